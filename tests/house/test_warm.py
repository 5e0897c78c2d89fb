"""Children forked from one warm parent: each death is made good at once, and nobody who comes meanwhile is refused."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from house import beat, pulse
from house.kept import Kept
from tests.house.small_district import District, comm, until

Up = Callable[..., District]
ALL = {"jawab-parent", "web-1", "web-2", "replies", "valkey-server", "postgres"}


def names(district: District) -> dict[str, int]:
    """Our children and their numbers."""
    return {comm(child): child.pid for child in psutil.Process(district.process.pid).children()}


def ask(port: int) -> str:
    """Who answers. Raises where nobody does."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        return hear(line)


def hear(line: socket.socket) -> str:
    line.settimeout(30)
    line.sendall(b"GET /who HTTP/1.0\r\n\r\n")
    said = b""
    while more := line.recv(4096):
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0], said
    return body.decode()


@contextmanager
def asking(port: int, at_once: int = 4) -> Iterator[list[str]]:
    """Somebody who asks all the time, and is refused not once."""
    over = threading.Event()
    heard: list[str] = []
    refused: list[Exception] = []

    def go_on() -> None:
        while not over.is_set():
            try:
                heard.append(ask(port))
            except (OSError, AssertionError, IndexError) as error:
                refused.append(error)

    threads = [threading.Thread(target=go_on) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert refused == []


def reloads(district: District) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((district.data / "run" / "running.json").read_text())["reloads"]
    return found


def test_all_are_found_by_their_names_and_are_the_supervisors_own(up: Up) -> None:
    district = up()
    district.announced()
    assert set(names(district)) == ALL
    parent = psutil.Process(names(district)["jawab-parent"])
    assert parent.children() == []
    assert parent.num_threads() == 1
    assert district.stop() == 0


def test_waiting_connections_outlive_the_death_of_both_webs(up: Up) -> None:
    """Tried with SO_REUSEPORT: the connections that wait with a dead one are reset."""
    district = up()
    district.announced()
    webs = [psutil.Process(names(district)[name]) for name in ("web-1", "web-2")]
    for web in webs:
        web.suspend()
    lines = [socket.create_connection(("127.0.0.1", district.port), timeout=30) for _ in range(40)]
    for web in webs:
        web.kill()
    for line in lines:
        with line:
            assert hear(line).startswith("web-")
    assert district.stop() == 0


def test_the_death_of_the_forking_parent_is_survived(up: Up) -> None:
    district = up()
    district.announced()
    before = names(district)
    with asking(district.port):
        os.kill(before["jawab-parent"], signal.SIGKILL)
        until(lambda: names(district).get("jawab-parent", 0) not in {0, before["jawab-parent"]}, "another parent")
        now = names(district)
        assert {name: now[name] for name in ALL - {"jawab-parent"}} == {
            name: before[name] for name in ALL - {"jawab-parent"}
        }
    os.kill(before["web-1"], signal.SIGKILL)
    until(lambda: names(district).get("web-1", 0) not in {0, before["web-1"]}, "a web from the new parent")
    assert district.stop() == 0


def test_the_forking_parent_and_both_webs_at_once(up: Up) -> None:
    district = up()
    district.announced()
    before = names(district)
    for name in ("web-1", "web-2"):
        os.kill(before[name], signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", district.port), timeout=30) as line:
        for name in ("jawab-parent", "web-1", "web-2"):
            os.kill(before[name], signal.SIGKILL)
        assert hear(line).startswith("web-")
    until(lambda: set(names(district)) == ALL, "all are there again")
    family = district.family()
    assert district.stop() == 0
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("name", ["web-1", "replies", "jawab-parent"])
def test_a_hung_one_is_replaced(up: Up, name: str) -> None:
    district = up()
    district.announced()
    hung = names(district)[name]
    os.kill(hung, signal.SIGSTOP)
    until(lambda: names(district).get(name, 0) not in {0, hung}, f"another {name}", 30)
    assert f"jawab: {name} does not answer, and is ended\n" in district.said()
    assert district.stop() == 0


def test_looks_are_counted_and_not_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that slept for an hour wakes up with all of its processes alive."""
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sign = beat.Beat.make("sign")
    one = Kept(part=object())  # type: ignore[arg-type]
    one.again_at = None
    one.born = now
    assert not one.is_hung(sign), "it has not begun yet"
    sign.strike()
    now += 3600
    assert not one.is_hung(sign)
    sign.strike()
    now += 1
    assert [one.is_hung(sign) for _ in range(4)] == [False] * 4
    now += 1
    assert [one.is_hung(sign) for _ in range(4)] == [False, False, True, True]
    sign.strike()
    now += 0.9
    held = [one.is_hung(sign)]
    for _ in range(2):
        now += 2
        held.append(one.is_hung(sign))
    assert held == [False] * 3, "five seconds of work are no silence"
    sign.close()


def test_that_one_serves_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not with its next sign of life: a reload waits for each of its processes."""
    monkeypatch.setattr(pulse, "EVERY", 3600.0)
    sign, serves = beat.Beat.make("sign"), False

    async def live() -> None:
        nonlocal serves
        going_on = asyncio.create_task(pulse.go_on(sign, lambda: serves))
        while not sign.last:  # noqa: ASYNC110 - what is tried writes memory, and tells nobody
            await asyncio.sleep(0)
        assert not sign.serves
        serves = True
        async with asyncio.timeout(10):
            while not sign.serves:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
        going_on.cancel()

    asyncio.run(live())
    sign.close()


def test_a_reload_replaces_all_and_refuses_nobody(up: Up) -> None:
    district = up()
    district.announced()
    before = names(district)
    with asking(district.port) as heard:
        district.process.send_signal(signal.SIGHUP)
        until(lambda: reloads(district)["ended"] == 1, "reloaded")
        count = len(heard)
        until(lambda: len(heard) > count + 4, "asked after it")
    assert reloads(district) == {"ended": 1, "under_way": False, "problem": ""}
    now = names(district)
    assert set(now) == ALL
    stayed = {name for name in ALL if now[name] == before[name]}
    assert stayed == {"valkey-server", "postgres"}
    last = district.said().splitlines()[-1]
    assert last.startswith("jawab: every process is a new one; ")
    assert re.findall(r"([\w-]+) \d+\.\d\+\d+\.\d", last) == ["jawab-parent", "web-1", "web-2", "replies"]
    assert district.stop() == 0


def test_who_takes_long_to_leave_holds_up_nobody(up: Up, folder: Path) -> None:
    """Both webs have somebody whom they still answer; the worker is exchanged meanwhile."""
    answered = folder / "answered"
    wait = f"import os, time\nwhile not os.path.exists({str(answered)!r}): time.sleep(0.02)"
    district = up(server=f"web(task)\n{wait}")
    district.announced()
    before, opened = names(district), len(list(Path(f"/proc/{district.process.pid}/fd").iterdir()))

    def others() -> list[str]:
        family = psutil.Process(district.process.pid).children()
        return sorted(comm(one) for one in family if one.pid not in before.values())

    district.process.send_signal(signal.SIGHUP)
    until(lambda: others() == ["jawab-parent", "replies", "web-1", "web-2"], "all are there anew")
    assert psutil.pid_exists(before["web-1"])
    assert psutil.pid_exists(before["web-2"])
    assert reloads(district)["under_way"]
    answered.touch()
    until(lambda: reloads(district)["ended"] == 1, "over")
    assert not {before["web-1"], before["web-2"]} & set(names(district).values())
    assert len(list(Path(f"/proc/{district.process.pid}/fd").iterdir())) == opened, "nothing of the old ones is kept"
    assert district.stop() == 0


def test_a_reload_during_a_reload_follows_it(up: Up) -> None:
    district = up(
        worker="import signal, time; signal.signal(signal.SIGTERM, lambda *_: time.sleep(1) or exit(0)); alive(task)"
    )
    district.announced()
    district.process.send_signal(signal.SIGHUP)
    until(lambda: reloads(district)["under_way"], "under way")
    for _ in range(3):
        district.process.send_signal(signal.SIGHUP)
        until(lambda: "another follows it" in district.said(), "told")
    until(lambda: reloads(district)["ended"] == 2, "both are over")
    assert district.said().count("jawab: a reload is under way; another follows it\n") == 1
    assert district.said().count("jawab: every process is a new one; ") == 2
    assert not reloads(district)["under_way"]
    assert district.stop() == 0


def test_a_reload_of_broken_code_changes_nothing(up: Up, folder: Path) -> None:
    district = up()
    district.announced()
    before = names(district)
    (folder / "broken").touch()
    with asking(district.port):
        district.process.send_signal(signal.SIGHUP)
        until(lambda: reloads(district)["ended"] == 1, "over")
    assert "the new jawab-parent ended" in reloads(district)["problem"]
    assert "RuntimeError: no such code" in district.said()
    assert names(district) == before
    (folder / "broken").unlink()
    district.process.send_signal(signal.SIGHUP)
    until(lambda: reloads(district)["ended"] == 2, "mended")
    assert reloads(district)["problem"] == ""
    assert district.stop() == 0


def test_a_stop_in_the_middle_of_a_reload_leaves_none_behind(up: Up) -> None:
    district = up(worker="deaf")
    district.announced()
    until(district.member("replies").children, "the worker's own child")
    district.process.send_signal(signal.SIGHUP)
    until(
        lambda: len([one for one in psutil.Process(district.process.pid).children() if comm(one) == "replies"]) == 2,
        "two",
    )
    family = district.family()
    district.process.send_signal(signal.SIGTERM)
    until(lambda: not {"web-1", "web-2"} & set(names(district)), "the web is stopped first")
    district.process.send_signal(signal.SIGTERM)
    assert district.process.wait(timeout=30) == 0
    until(
        lambda: not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE], "all are gone"
    )


def test_a_terminal_that_is_closed_stops_it(up: Up, folder: Path) -> None:
    """A hang-up without a terminal is the operator's word for a reload; with one that is gone it is the end."""
    ours, its = pty.openpty()
    try:
        district = up(terminal=its)
        os.close(its)
        district.announced()
        family = district.family()
    finally:
        os.close(ours)  # the window is closed
    assert district.process.wait(timeout=60) == 0
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_who_is_not_told_what_is_its_own_ends(tmp_path: Path) -> None:
    """A child that was forked while the supervisor died, or its word was lost, does not stay."""
    from house import forks

    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    takes, gives = os.pipe()
    os.close(gives)
    sign = beat.Beat.make("sign")
    order = {"name": "lost", "does": "", "words": {}, "supervisor": os.getpid(), "sockets": []}
    child = os.fork()
    if child == 0:
        forks._live(order, {"log": log, "given": takes, "beat": sign.descriptor}, lambda _: os._exit(7))
    _, status = os.waitpid(child, 0)
    os.close(log)
    os.close(takes)
    sign.close()
    assert os.waitstatus_to_exitcode(status) == 1
