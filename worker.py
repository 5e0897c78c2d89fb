"""The background process: one RQ lane per process, and the tick that forgets nothing.

A job is a plain function that carries ids and hands a coroutine to this process's one event loop: RQ would give every
`async def` job a loop of its own, and the database pool would die with it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
import uvloop
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from bot import deliver, media, registry
from broadcast import publish
from clockwork import EVERY, Clockwork, enter
from house import pulse
from house.beat import Beat
from jobs import JOBS
from settings import Settings
from store.bell import LANES, UNTOLD
from store.crypto import Keys
from store.database import CUSTODY, ROLES_OF
from store.jawab import Jawab, opened

log = structlog.get_logger()
T = TypeVar("T")

PATIENCE = 8.0  # seconds for jobs at work, when we are told to stop
REDIS_RETRY = 2.0
SIZE = 6  # most connections as each role


class Loop:
    """This process's one event loop, in a thread, with the parts open on it.

    It is made when this process starts, never in the parent: forks would wait at one epoll and take each other's wakes.
    """

    def __init__(self) -> None:
        self._jawab: Jawab | None = None
        self._close = asyncio.Event()
        self.leaving = asyncio.Event()  # told to stop: what is claimed goes out, and nothing more is claimed
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    def start(self, settings: Settings, keys: Keys | None, roles: tuple[str, ...], beat: Beat | None) -> None:
        self._loop = uvloop.new_event_loop()
        self._beat = beat
        self._opening = partial(opened, settings, keys, roles=roles, size=SIZE, speaker="clock")
        self._thread.start()
        self._opened.result(timeout=60)

    def run(self, job: Callable[[Jawab], Coroutine[Any, Any, T]]) -> T:
        """Run one job to its end; where RQ's time limit or a signal interrupts the wait, the job is cancelled too."""
        if self._jawab is None:
            raise RuntimeError("this process has not opened its parts")
        future = asyncio.run_coroutine_threadsafe(job(self._jawab), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def leave(self) -> None:
        """To be called from a signal's handler too."""
        self._loop.call_soon_threadsafe(self.leaving.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._close.set)
        self._thread.join(timeout=15)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._live())

    async def _live(self) -> None:
        beating = asyncio.create_task(pulse.go_on(self._beat, lambda: self._jawab is not None)) if self._beat else None
        try:
            async with self._opening() as jawab:
                self._jawab = jawab
                self._opened.set_result(None)
                await self._close.wait()
                await registry.close()
        except Exception as error:  # noqa: BLE001 - told to the thread that waits for the start
            if not self._opened.done():
                self._opened.set_exception(error)
        finally:
            if beating is not None:
                beating.cancel()


_loop = Loop()


# ── jobs: the names that store.bell rings ────────────────────────────────────────────────────────────────────────────
def replies(*_: str) -> None:
    """Send every reply that is due, up to 64 at once: the ids say only that there is one. Later rings find nothing."""
    _loop.run(lambda jawab: drain(jawab, "replies"))


def broadcasts(*editions: str) -> None:
    _loop.run(lambda jawab: _broadcast(jawab, [UUID(one) for one in editions]))


def chores() -> None:
    _loop.run(media.fetch_waiting)


async def _broadcast(jawab: Jawab, editions: list[UUID]) -> None:
    for edition in editions:
        await publish.fan_out(jawab, edition)
    await drain(jawab, "broadcasts", *editions)
    if not _loop.leaving.is_set():
        await publish.draft_due(jawab, datetime.now(UTC))  # after what waits to leave


async def drain(jawab: Jawab, lane: str, *editions: UUID) -> None:
    """Until nothing is due: a ring that came meanwhile may have been swallowed, since this job was there to hear it.

    Or until this lane is to stop, however much is due: then whoever works it next is rung.
    """
    while not _loop.leaving.is_set():
        if not (await deliver.drain(jawab, lane, limit=sys.maxsize, leaving=_loop.leaving)).total():
            return
    jawab.bell.ring(lane, lane, *map(str, editions))


RUNG: dict[str, Callable[..., None]] = {f"worker.{one.__name__}": one for one in (replies, broadcasts, chores)}


class Unasked(Exception):
    """A job that the bell never rings. Somebody else speaks into the doorbell: look who reaches it."""


class Ring(Job):
    """What a lane runs: our three functions by name, and nothing that comes along.

    RQ runs whatever function a job names, after it others, and calls addresses. Every process of ours reaches the
    doorbell, so whoever breaks into one of them would be all that a lane may be.
    """

    @property
    def func(self) -> Callable[..., None]:
        if self.instance is not None or self.func_name not in RUNG:
            raise Unasked
        return RUNG[self.func_name]

    success_callback = failure_callback = stopped_callback = property(lambda _: None)

    def send_webhooks(self, *_: object, **__: object) -> None:
        """To nobody."""


class Lane(SimpleWorker):
    """One that tells us when it is asked to stop: without Redis it cannot say so itself, and would be begun again."""

    def __init__(self, *given: Any, asked: threading.Event, **more: Any) -> None:
        super().__init__(*given, **more)
        self._asked = asked

    def request_stop(self, *signalled: Any) -> None:
        self._asked.set()
        _loop.leave()
        super().request_stop(*signalled)  # type: ignore[no-untyped-call]  # the package has no types


# ── a lane ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def answering(queue: Queue, redis: Redis, asked: threading.Event) -> Lane:
    return Lane([queue], connection=redis, serializer=JSONSerializer, job_class=Ring, worker_ttl=60, asked=asked)


def run_lane(settings: Settings, lane: str, keys: Keys | None = None, beat: Beat | None = None) -> int:
    """Work one lane until told to stop. Without Redis it waits; the tick does the work meanwhile."""
    if lane not in LANES:
        sys.stderr.write(f"jawab: no lane {lane!r}; there are {', '.join(LANES)}\n")
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _loop.start(settings, keys, ROLES_OF[lane], beat)
    try:
        while not stopping.is_set():
            try:
                redis = Redis.from_url(
                    settings.redis_url, driver_info=UNTOLD, socket_connect_timeout=2, health_check_interval=30
                )
                queue = Queue(lane, connection=redis, serializer=JSONSerializer)
                worker = answering(queue, redis, stopping)
                worker.work(logging_level="WARNING")  # returns after a warm stop, which RQ's own signal handlers ask
                return 0
            except (RedisError, OSError) as error:
                log.warning("redis away", lane=lane, error=type(error).__name__)
                stopping.wait(REDIS_RETRY)
        return 0
    except StopRequested:  # told to stop where the package does not reckon with it: while Redis is away
        return 0
    finally:
        _loop.stop()


# ── the tick ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def run_tick(settings: Settings, keys: Keys | None = None, beat: Beat | None = None) -> int:
    """Run the periodic jobs until told to stop; custody's run where custody is."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _loop.start(settings, keys, ROLES_OF["tick"], beat)
    try:
        clock = _loop.run(_wind)
        while not stopping.wait(EVERY):
            _loop.run(lambda _: clock.tick())
        _loop.run(lambda _: clock.finish(PATIENCE))
        return 0
    finally:
        _loop.stop()


async def _wind(jawab: Jawab) -> Clockwork:
    await enter(jawab)
    return Clockwork(jawab, [job for job in JOBS if job.role != CUSTODY])
