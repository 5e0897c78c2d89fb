"""Started by root, each child is somebody else, who has no power and reaches what all of them share."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from house import users
from house.users import BLOCK, FIRST, LAST, Users
from store.hours import HOUR, Hours
from tests.house.small_district import District, comm, until

Up = Callable[..., District]
OURS = {"web-1", "web-2", "replies"}
PR_CAPBSET_DROP = 24
READS = 1 << 2

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make somebody else of a child")

# What a child tries: it names the ways that led somewhere, and then lives on.
TRIES = """
import json, os, signal, socket
from pathlib import Path
from store.hours import Hours
given = json.loads(given)
def keys(): return open(given["data"] + "/keys/postgres.password").read()
def running(): return open(given["data"] + "/run/running.json").read()
def data(): return os.listdir(given["data"])
def others(): return [os.kill(int(pid), 0) for pid in os.listdir("/proc") if pid.isdecimal() and theirs(pid)]
def theirs(pid):
    try: return Path(f"/proc/{pid}/comm").read_text().strip() in {"web-1", "web-2", "jawab-parent"}
    except OSError: return False
def become(): os.setuid(0)
def start(): return open("/etc/jawab-was-here", "w")
def valkey(): socket.socket(socket.AF_UNIX).connect(given["redis_url"].removeprefix("unix://"))
def postgres(): socket.socket(socket.AF_UNIX).connect(given["sockets"] + "/.s.PGSQL.5432")
def hours(): Hours(Path(given["data"]) / "fleeting").of(7200.0)
for way in (keys, running, data, others, become, start, valkey, postgres, hours):
    try: way(); print("did", way.__name__, flush=True)
    except OSError: pass
print("over", flush=True)
alive(task)
"""
ALLOWED = {"valkey", "postgres", "hours"}


def numbers(district: District) -> dict[str, dict[str, str]]:
    """Of each process of ours what the kernel says of its user and its powers."""
    found = {}
    for one in psutil.Process(district.process.pid).children():
        lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
        told = (line.split(":\t", 1) for line in lines if line.startswith(("Uid", "Cap", "Groups")))
        found[comm(one)] = dict(told)
    return found


def did(district: District) -> set[str]:
    log = district.data / "log" / "replies.log"
    until(lambda: "over" in log.read_text(), "the tries in its log")
    return {line.split()[1] for line in log.read_text().splitlines() if line.startswith("did ")}


def called(district: District) -> str:
    return str(json.loads((district.data / "run" / "running.json").read_text())["users"])


def start(up: Up, *as_whom: Any) -> District:
    district = up(*as_whom, worker=TRIES, word="x")
    district.announced()
    return district


@pytest.fixture
def root(nobody: Any) -> Any:
    """Ourselves, with a Python that every user can reach."""
    return replace(nobody, uid=0, gid=0)


@pytest.fixture
def shared(folder: Path) -> Path:
    """As the first start makes it."""
    (folder / "var").mkdir(mode=0o700, exist_ok=True)
    (folder / "var" / "fleeting").mkdir(mode=0o700)
    return folder / "var" / "fleeting"


def test_each_child_is_a_user_of_its_own_without_any_power(up: Up, shared: Path, root: Any) -> None:
    district = start(up, root)
    said = numbers(district)
    uids = {said[name]["Uid"] for name in OURS}
    assert len(uids) == len(OURS)
    assert all(FIRST <= int(number) <= LAST for uid in uids for number in uid.split())
    assert {said[name]["CapPrm"] + said[name]["CapEff"] for name in OURS} == {"0" * 32}
    assert {said[name]["Groups"].strip() for name in OURS} == {""}
    assert said["jawab-parent"]["CapEff"] == f"{users.SET_USER | users.SET_GROUP:016x}"
    assert did(district) == ALLOWED
    assert called(district) == "each"
    assert stat.S_IMODE(district.data.stat().st_mode) == 0o710
    made = shared / "2.key"
    assert (stat.S_IMODE(made.stat().st_mode), made.stat().st_uid) == (0o660, int(said["replies"]["Uid"].split()[0]))
    assert district.stop() == 0


def test_who_died_comes_back_as_the_same_user_and_so_does_who_is_replaced(up: Up, shared: Path) -> None:
    district = start(up)
    before = numbers(district)
    os.kill(district.member("web-1").pid, signal.SIGKILL)
    until(lambda: "web-1" in (now := numbers(district)) and now["web-1"]["Uid"] == before["web-1"]["Uid"], "the same")
    district.process.send_signal(signal.SIGHUP)
    running = district.data / "run" / "running.json"
    until(lambda: json.loads(running.read_text())["reloads"]["ended"], "a reload")
    assert {name: numbers(district)[name]["Uid"] for name in OURS} == {name: before[name]["Uid"] for name in OURS}
    assert district.stop() == 0


def test_a_second_start_finds_what_the_first_has_shared(up: Up, shared: Path) -> None:
    first = start(up)
    uid = numbers(first)["replies"]["Uid"]
    assert first.stop() == 0
    (first.data / "log" / "replies.log").unlink()
    again = start(up)
    assert numbers(again)["replies"]["Uid"] == uid
    assert did(again) == ALLOWED
    assert again.stop() == 0


def test_behind_a_closed_folder_they_read_and_write_nothing(up: Up, shared: Path, folder: Path) -> None:
    folder.chmod(0o700)
    district = start(up)
    assert {numbers(district)[name]["CapEff"] for name in OURS} == {f"{READS:016x}"}
    assert did(district) == ALLOWED
    assert district.stop() == 0


def test_data_of_an_ordinary_user_are_worked_on_as_that_user(
    up: Up, folder: Path, shared: Path, nobody: Any, root: Any
) -> None:
    for one in (folder, folder / "var", shared):
        os.chown(one, nobody.uid, nobody.gid)
    by_user = start(up, nobody)
    assert "hours" in did(by_user)
    assert called(by_user) == "self"
    assert by_user.stop() == 0
    (by_user.data / "log" / "replies.log").unlink()
    by_root = start(up, root)
    assert {numbers(by_root)[name]["Uid"].split()[0] for name in OURS} == {str(nobody.uid)}
    assert {numbers(by_root)[name]["CapEff"] for name in OURS} == {"0" * 16}
    assert called(by_root) == "owner"
    assert did(by_root) >= ALLOWED
    assert by_root.stop() == 0


def test_where_nobody_can_be_changed_into_it_is_root_without_power(
    up: Up, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that forbids it; and what other users have shared before is root's alone again."""
    before = start(up)
    assert before.stop() == 0
    (before.data / "log" / "replies.log").unlink()
    drop = ctypes.CDLL(None).prctl
    monkeypatch.setattr("tests.house.conftest.BEFORE", lambda: drop(PR_CAPBSET_DROP, 7, 0, 0, 0))
    district = start(up)
    said = numbers(district)
    assert {said[name]["Uid"].split()[0] for name in OURS} == {"0"}
    assert {said[name]["CapEff"] for name in (*OURS, "jawab-parent")} == {"0" * 16}
    assert called(district) == "root"
    assert did(district) >= ALLOWED
    assert stat.S_IMODE(shared.stat().st_mode) == 0o700
    assert district.stop() == 0


def test_a_key_of_an_hour_is_everybodys(shared: Path) -> None:
    """Made by one, read by another, destroyed by a third; not read by who is none of them."""
    first = Users(FIRST + 1, FIRST, each=True)
    first.let_in(shared.parent)
    users.share(shared.parent, first)
    kept = Hours(shared)

    def can(place: int, group: int, do: Callable[[], object]) -> bool:
        def live() -> None:
            users.User(FIRST + 1 + place, group).become()
            do()

        return users._survives(live)

    assert can(0, FIRST, lambda: Hours(shared).of(3 * HOUR))
    assert can(1, FIRST, lambda: Hours(shared).of(3 * HOUR))
    assert not can(1, FIRST + BLOCK, shared.stat)
    assert kept.find(3) is not None
    long_after = datetime.fromtimestamp(0).astimezone() + timedelta(days=3)
    assert can(2, FIRST, lambda: Hours(shared).destroy(long_after) == 1 or os._exit(1))
    assert kept.find(3) is None


def test_what_data_had_before_stays_theirs(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines may share the keys of the hours: the second must not take them from the first."""
    data = shared.parent
    first = users.choose(data, 6)
    assert first
    users.share(data, first)
    monkeypatch.setattr(users, "_free_blocks", lambda _: iter([FIRST + 5 * BLOCK]))
    assert users.choose(data, 6) == first
    os.chown(shared, -1, 1)
    assert users.choose(data, 6) == replace(first, first=FIRST + 5 * BLOCK + 1, group=FIRST + 5 * BLOCK)


def test_a_power_is_kept_only_where_nothing_goes_without_it(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_works", lambda *_: True)
    found = users.choose(shared.parent, 6)
    assert found
    assert not found.reads_everywhere
    monkeypatch.setattr(users, "_works", lambda user, _: user.reads_everywhere)
    found = users.choose(shared.parent, 6)
    assert found
    assert found.reads_everywhere


def test_a_block_that_somebody_has_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    free = next(users._free_blocks(7))
    for having in (free, free + BLOCK - 1):
        monkeypatch.setattr(users, "_running", lambda having=having: iter([having]))
        assert next(users._free_blocks(7)) != free
    monkeypatch.setattr(users, "_running", lambda: iter(range(FIRST, LAST + 1)))
    assert list(users._free_blocks(7)) == []
