"""The lives of the children of `jawab up`: which process a task is, from what it was given to its end."""

from __future__ import annotations

import sys

import serving
import settings
import worker
from house.forks import Task
from store import handed
from store.crypto import Malformed


def run(task: Task) -> int:
    """One child's life; the exit status."""
    given = handed.read(task.given)
    try:
        if task.does == "web":
            serving.serve(given, task.words["part"], beat=task.beat, sockets=task.sockets)
            return 0
        if task.does == "lane":
            return worker.run_lane(given.settings, task.words["lane"], given.keys, task.beat)
        return worker.run_tick(given.settings, given.keys, task.beat)
    except (settings.Misconfigured, Malformed) as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
