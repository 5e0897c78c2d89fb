"""The web process: one part of the web, or all, and what runs beside the pages of custody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from socket import socket

import uvicorn
import uvloop

from app import assemble, serve_with
from bot.intake import drawer
from clockwork import EVERY, Clockwork
from desk import protected
from desk import slot as door
from house import patience, pulse
from house.beat import Beat
from house.patience import Patient
from house.reload import LEAVE
from jobs import JOBS
from settings import Part
from store.database import CUSTODY, ROLES_OF
from store.handed import Handed, Slot
from store.jawab import Jawab, opened

PATIENCE = 8.0  # seconds for what is at work, when we are told to stop
LAST = 0.1  # seconds between two looks whether anybody is left
CLOCK_SIZE = 2  # most connections of the clock that runs where custody is served


def serve(
    given: Handed, part: Part, *, beat: Beat | None = None, sockets: Mapping[str, Sequence[socket]] | None = None
) -> None:
    """Serve one part, or all, until told to stop: on sockets that were made for us, else on one of our own."""
    here, made = given.settings, sockets or {}
    patience.take_all_descriptors()

    async def run() -> None:
        server: uvicorn.Server | None = None
        showing = (
            asyncio.create_task(pulse.go_on(beat, lambda: server is not None and server.started)) if beat else None
        )
        async with opened(here, given.keys, roles=ROLES_OF[part]) as jawab, _kept(jawab, part, given, made.get("slot")):
            end = given.slot or Slot("", "")  # a desk that nobody handed one hears that custody is away
            behind = door.call(end.address, end.word) if part == "desk" else None
            with drawer.of(jawab).filling() if part in {"all", "citizen"} else nullcontext():
                server = uvicorn.Server(serve_with(assemble(jawab, part, behind), here, part=part))
                leaving = Leaving(server)
                asyncio.get_running_loop().add_signal_handler(LEAVE, leaving.begin)
                await server.serve(list(made["http"]) if "http" in made else None)
        if showing is not None:
            showing.cancel()

    uvloop.run(run())


class Leaving:
    """A web process that is replaced takes nobody new, answers whom it has, each connection a last time, and goes."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self._begun: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._begun is None:
            self._begun = asyncio.create_task(self._go())

    async def _go(self) -> None:
        for listening in self._server.servers:
            listening.close()
        for connection in self._server.server_state.connections:
            if isinstance(connection, Patient):
                connection.part()
        # Who keeps a connection open without a word is let go by its own deadline, as at any other time.
        while self._server.server_state.connections:  # noqa: ASYNC110 - uvicorn tells nobody when one goes
            await asyncio.sleep(LAST)
        self._server.should_exit = True


@asynccontextmanager
async def _kept(jawab: Jawab, part: Part, given: Handed, slot: Sequence[socket] | None) -> AsyncIterator[None]:
    """Where custody is served its clocks run too, and the slot in its door is open."""
    if part not in {"all", CUSTODY}:
        yield
        return
    listening = None
    if slot and given.slot is not None:
        listening = await door.listen(protected.slot(jawab), slot[0], given.slot.word)
    async with opened(jawab.settings, jawab.keys, roles=(CUSTODY,), size=CLOCK_SIZE, speaker="clock") as as_clock:
        clock = Clockwork(as_clock, [job for job in JOBS if job.role == CUSTODY])
        winding = asyncio.create_task(_wind(clock))
        try:
            yield
        finally:
            if listening is not None:
                listening.close()
            winding.cancel()
            await clock.finish(PATIENCE)


async def _wind(clock: Clockwork) -> None:
    while True:
        await clock.tick()
        await asyncio.sleep(EVERY)
