"""What each child does first writes on few of the pages that it shares: every page it writes on is its own memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from settings import Settings
from store import handed
from store.crypto import Keys

ROOT = Path(__file__).parent.parent
# One process as the forking parent is, and a child for each deed, which counts the pages that it had to make its own.
COUNTING = """
import gc, json, os, resource, sys
import parent

parent.know_all()
import psycopg, uvicorn
from app import serve_with
from store import bell, handed

url, bell_url, given = sys.argv[1:]
settings = handed.read(given.encode()).settings

def ring():
    one = bell.Bell(bell_url)
    one.ring("chores", "chores")
    one.close()

deeds = {
    "reads what it was handed": lambda: handed.read(given.encode()),
    "signs in at the database": lambda: psycopg.connect(url).close(),
    "rings": ring,
    "begins to serve": lambda: serve_with(lambda *_: None, settings),
}
gc.collect(); gc.disable(); gc.freeze()
for name, do in deeds.items():
    takes, gives = os.pipe()
    if not os.fork():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        do()
        os.write(gives, str(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before).encode())
        os._exit(0)
    os.wait()
    print(json.dumps([name, int(os.read(takes, 32))]))
"""


@pytest.fixture(scope="session")
def pages(cluster: str, valkey: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Of each deed how many pages of 4 kB it made its own."""
    data = tmp_path_factory.mktemp("parent")
    settings = Settings.model_validate({"mode": "live", "data": data, "database_url": cluster})
    Keys.create(settings.key_file)
    given = handed.write(settings, Keys.load(settings.key_file), roles=[]).decode()
    told = subprocess.run(
        [sys.executable, "-c", COUNTING, cluster, valkey, given],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return dict(json.loads(line) for line in told.splitlines())


MOST = {"reads what it was handed": 350, "signs in at the database": 1000, "rings": 1400, "begins to serve": 400}


@pytest.mark.parametrize(("deed", "most"), MOST.items())
def test_a_deed_that_every_child_begins_with_makes_few_pages_its_own(
    pages: dict[str, int], deed: str, most: int
) -> None:
    assert 0 < pages[deed] < most


OPENING = """
import os, threading

def opened():
    there = [int(one) for one in os.listdir("/proc/self/fd")]
    return {f"{one} {os.readlink(f'/proc/self/fd/{one}')}" for one in there if one != looking}

looking = os.open("/proc/self/fd", os.O_RDONLY)
os.close(looking)  # the number that listing them takes
before = opened()
import parent
parent.know_all()
assert threading.active_count() == 1
print(*sorted(opened() - before))
"""


def test_a_parent_opens_nothing_that_its_children_would_share() -> None:
    """A loop is an epoll and a pair of sockets to wake it: of two who share them, the one wakes for the other."""
    told = subprocess.run(
        [sys.executable, "-c", OPENING], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    ).stdout
    assert told.split("\n") == ["", ""]
