"""The web process: one part of the web, or all, and what runs beside the pages of custody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from socket import socket

import uvicorn
import uvloop

from app import assemble, serve_with
from bot.intake import drawer
from desk import protected
from desk import slot as door
from house import patience
from jobs import EVERY, JOBS, Clockwork
from settings import Part
from store.database import CUSTODY, ROLES_OF
from store.handed import Handed, Slot
from store.jawab import Jawab, opened

PATIENCE = 8.0  # seconds for what is at work, when we are told to stop


def serve(given: Handed, part: Part) -> None:
    """Serve one part, or all, until told to stop."""
    here = given.settings
    patience.take_all_descriptors()

    async def run() -> None:
        async with opened(here, given.keys, roles=ROLES_OF[part]) as jawab, _kept(jawab, part, given):
            end = given.slot or Slot("", "")  # a desk that nobody handed one hears that custody is away
            behind = door.call(end.address, end.word) if part == "desk" else None
            with drawer.of(jawab).filling() if part in {"all", "citizen"} else nullcontext():
                await uvicorn.Server(serve_with(assemble(jawab, part, behind), here, part=part)).serve()

    uvloop.run(run())


@asynccontextmanager
async def _kept(jawab: Jawab, part: Part, given: Handed) -> AsyncIterator[None]:
    """Where custody is served its clocks run too, and the slot in its door is open."""
    if part not in {"all", CUSTODY}:
        yield
        return
    slot, listening = given.slot, None
    if slot is not None and slot.descriptor >= 0:
        listening = await door.listen(protected.slot(jawab), socket(fileno=slot.descriptor), slot.word)
    async with opened(jawab.settings, jawab.keys, roles=(CUSTODY,), size=2, speaker="clock") as as_clock:
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
