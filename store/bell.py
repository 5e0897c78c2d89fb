"""The doorbell: tells a worker lane that rows are waiting. It carries ids; what it loses, the sweep rings again."""

from __future__ import annotations

import queue
import threading

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger()

LANES = ("replies", "broadcasts", "chores")
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
        redis = Redis.from_url(self._redis_url, socket_timeout=5, socket_connect_timeout=2)
        queues = {lane: Queue(lane, connection=redis, serializer=JSONSerializer) for lane in LANES}
        while (ring := self._rings.get()) is not None:
            lane, job, ids = ring
            try:
                queues[lane].enqueue(f"worker.{job}", *ids, result_ttl=0, failure_ttl=3600, job_timeout=300)
            except (RedisError, OSError) as error:
                log.warning("bell silent", lane=lane, error=type(error).__name__)
        redis.close()
