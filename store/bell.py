"""The doorbell: tells a worker lane that rows are waiting. It carries ids; what it loses, the sweep rings again."""

from __future__ import annotations

import queue
import threading
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger()

LANES = ("replies", "broadcasts", "chores")
TAKE_ALL = ("replies", "chores")  # jobs that take whatever is due, so that one that waits is enough for everybody
MOST_IDS = 100  # of one job: what a killed worker leaves to the sweep
BREATH = 0.005  # seconds between two rounds of rings: each wakes a thread that takes the web loop's lock
UNTOLD = None  # to Redis, which client we are: finding that out reads our own package's letter, in each process anew
MOST_WAITING = 10_000  # rings kept while Redis is away; the rows themselves are in PostgreSQL


class Bell:
    """Rings from a thread of its own: an enqueue costs 0.2 ms and may block, which a web loop must not."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._rings: queue.Queue[tuple[str, str, tuple[str, ...]] | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None

    def ring(self, lane: str, job: str, *ids: str) -> None:
        """Ask `lane` to run the function `job` of worker.py with these ids. Never blocks, never raises."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
            self._thread.start()
        try:
            self._rings.put_nowait((lane, job, ids))
        except queue.Full:
            log.warning("bell full", lane=lane)

    def close(self) -> None:
        if self._thread is not None:
            self._rings.put(None)
            self._thread.join(timeout=5)
            self._thread = None

    def _run(self) -> None:
        redis = Redis.from_url(self._redis_url, driver_info=UNTOLD, socket_timeout=5, socket_connect_timeout=2)
        queues = {lane: Queue(lane, connection=redis, serializer=JSONSerializer) for lane in LANES}
        while rings := self._take():
            for (lane, job), ids in rings.items():
                try:
                    # A job that has not begun will see rows that were committed before this ring; asking costs a
                    # tenth of another job, and a burst of turns does not become a burst of jobs.
                    if job in TAKE_ALL and queues[lane].count:
                        continue
                    queues[lane].enqueue(f"worker.{job}", *ids, result_ttl=0, failure_ttl=3600, job_timeout=300)
                except (RedisError, OSError) as error:
                    log.warning("bell silent", lane=lane, error=type(error).__name__)
            time.sleep(BREATH)
        redis.close()

    def _take(self) -> dict[tuple[str, str], list[str]]:
        """Wait for a ring, then take whatever was rung meanwhile as one job: no timer, and no job for every id.

        A job costs RQ some 2 ms, so a burst must not become as many jobs. Empty when it is time to close.
        """
        rings: dict[tuple[str, str], list[str]] = {}
        waiting = self._rings.get()
        while waiting is not None:
            lane, job, ids = waiting
            rings.setdefault((lane, job), []).extend(ids)
            if len(rings[lane, job]) >= MOST_IDS or self._rings.empty():
                return rings
            waiting = self._rings.get()
        if rings:
            self._rings.put(None)  # ring what was taken; the next call ends it
        return rings
