"""One process owns all the others: asked or killed, it leaves none behind, and nothing that was kept is lost."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from house import domain
from house.kept import Kept
from tests.house.small_district import District, until

Up = Callable[..., District]


def gone(family: list[psutil.Process]) -> bool:
    """Ended; a dead one whose new parent has not yet looked at it is dead all the same."""
    for member in family:
        try:
            if member.is_running() and member.status() != psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            continue
    return True


def environment(member: psutil.Process) -> list[str]:
    """As far as we may look: a hidden memory hides its environment from an ordinary user too."""
    try:
        return list(member.environ().values())
    except psutil.AccessDenied:
        return []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_everything_and_stops_without_a_trace(up: Up, how: signal.Signals) -> None:
    district = up(fresh=how == signal.SIGTERM, worker="import os; print(sorted(os.environ)); alive(task)")
    announced = district.announced()
    running = district.data / "run" / "running.json"
    assert stat.S_IMODE(running.stat().st_mode) == 0o600
    assert json.loads(running.read_text()) == {
        "database_url": re.sub("//[^@]*@/", "///", announced["database_url"]),
        "redis_url": announced["redis_url"],
        "pid": district.process.pid,
        "web": f"http://127.0.0.1:{district.port}",
        "listening": ["web-1", "web-2"],
        "public_url": "https://jawab.test",
        "users": "self" if os.geteuid() else "each",
        "reloads": {"ended": 0, "under_way": False, "problem": ""},
    }
    sockets = Path(announced["database_url"].split("host=")[1])
    assert sockets.is_dir()
    family = district.family()
    assert len(family) >= 10  # the forking parent, two webs, a worker, Valkey, the postmaster and its own
    # A terminal's Ctrl-C goes to a whole session: the order of stopping stays the supervisor's.
    assert os.getsid(district.process.pid) not in {os.getsid(member.pid) for member in family}
    log = district.data / "log" / "replies.log"
    until(lambda: "'PATH'" in log.read_text(), "the worker's environment in its log")
    assert not re.search("'(JAWAB|PG)", log.read_text()), "no child is told an address or a secret by its environment"

    assert district.stop(how) == 0, district.said()
    assert gone(family)
    assert not running.exists()
    assert not sockets.exists()
    assert district.said().count("\n") == 1, "a clean run says nothing but what was announced"


def test_a_child_is_given_its_own_by_a_pipe_and_reaches_no_key(up: Up) -> None:
    tries = (
        "import json\n"
        "given = json.loads(given)\n"
        "print('given', given['word'], flush=True)\n"
        "try: open(given['data'] + '/keys/postgres.password')\n"
        "except PermissionError: print('shut', flush=True)\n"
        "alive(task)\n"
    )
    district = up(worker=tries, word="qanari-5531")
    district.announced()
    log = district.data / "log" / "replies.log"
    until(lambda: "shut" in log.read_text() or not domain.version(), "the worker's tries in its log")
    assert "given qanari-5531" in log.read_text()
    words = [word for member in district.family() for word in (*member.cmdline(), *environment(member))]
    assert not any("qanari-5531" in word for word in words)
    running = (district.data / "run" / "running.json").read_text()
    for name in ("owner", "postgres"):
        password = (district.data / "keys" / f"{name}.password").read_text().strip()
        assert not any(password in word for word in (*words, running)), name
    assert district.stop() == 0


def test_a_second_start_keeps_the_data(up: Up) -> None:
    first = up()
    assert first.starts == 1
    first.stop()
    second = up()
    assert second.starts == 2
    assert second.stop() == 0


@pytest.mark.parametrize("all_at_once", [False, True])
def test_killed_it_takes_everything_along_and_starts_again_with_the_data(up: Up, all_at_once: bool) -> None:
    district = up(worker="import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); alive(task)")
    announced = district.announced()
    family = district.family()
    district.process.kill()
    for member in family if all_at_once else []:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    district.process.wait()
    until(lambda: gone(family), "every child has died")

    again = up(port=district.port)  # at once, with the pid file, running.json and sockets of the dead in place
    assert again.starts == 2
    assert again.announced()["database_url"] != announced["database_url"]
    assert not Path(announced["database_url"].split("host=")[1]).exists()
    assert again.stop() == 0


def test_a_start_right_after_a_kill_does_not_trip_over_the_dying(up: Up) -> None:
    district = up()
    district.announced()
    for starts in (2, 3, 4):
        district.process.kill()
        district = up(port=district.port)
        assert district.starts == starts
    assert district.stop() == 0


def test_the_addresses_of_a_dead_run_are_not_taken_for_given_ones(up: Up) -> None:
    district = up()
    district.announced()
    stale = json.loads((district.data / "run" / "running.json").read_text())
    district.process.kill()
    district.process.wait()
    # What settings read from running.json comes in as if it had been given.
    again = up(database_url=stale["database_url"], redis_url=stale["redis_url"])
    assert again.starts == 2
    assert again.stop() == 0


def test_given_addresses_stand_in_for_the_parts(up: Up, folder: Path) -> None:
    host = up()
    given = {name: host.announced()[name] for name in ("database_url", "redis_url")}
    guest = up(data=str(folder / "other"), **given)
    assert guest.starts == 2
    assert len(guest.family()) == 4  # the forking parent, two webs and a worker
    running = json.loads((folder / "other" / "run" / "running.json").read_text())
    assert (running["database_url"], running["redis_url"]) == ("", "")  # others' passwords are not ours to keep
    assert not (folder / "other" / "postgres").exists()
    assert guest.stop() == 0


def test_a_taken_port_is_said_in_one_line_before_anything_starts(up: Up) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        district = up(fresh=True, port=port)
        assert district.process.wait(timeout=60) == 2
    assert district.said() == f"jawab: port {port} on 127.0.0.1 is taken (JAWAB_PORT)\n"
    assert not (district.data / "postgres").exists()


def test_an_address_of_another_machine_is_said_in_one_line(up: Up) -> None:
    district = up(fresh=True, host="192.0.2.1")
    assert district.process.wait(timeout=60) == 2
    assert district.said() == "jawab: 192.0.2.1 is not an address of this machine (JAWAB_HOST)\n"


def test_a_second_supervisor_on_the_same_data_steps_back_in_one_line(up: Up) -> None:
    first = up()
    first.announced()
    second = up()
    assert second.process.wait(timeout=60) == 2
    where = f"http://127.0.0.1:{first.port}"
    assert second.said() == f"jawab: already running on {first.data}, at {where} (JAWAB_DATA)\n"
    assert first.process.poll() is None
    assert (first.data / "run" / "running.json").exists()
    assert first.stop() == 0


def test_a_folder_that_cannot_be_made_is_said_in_one_line(up: Up, folder: Path) -> None:
    (folder / "file").write_text("")
    district = up(fresh=True, data=str(folder / "file" / "var"))
    assert district.process.wait(timeout=60) == 2
    assert district.said() == f"jawab: {folder}/file/var cannot be used: Not a directory (JAWAB_DATA)\n"


def _is_another(district: District, word: str, pid: int) -> bool:
    return district.member(word).pid != pid


def test_every_dead_child_is_started_again_at_the_same_address(up: Up) -> None:
    district = up()
    announced = district.announced()
    for word in ("replies", "web-1", "web-2", "jawab-parent", "valkey-server", "bin/postgres"):
        dead = district.member(word)
        dead.kill()
        until(partial(_is_another, district, word, dead.pid), f"{word} is there again")

    def answers() -> bool:
        try:
            with psycopg.connect(announced["database_url"]) as connection:
                return connection.execute("select count(*) from starts").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    until(answers, "the database answers at its old address")
    said = district.said()
    for name in ("replies", "web-1", "web-2", "jawab-parent", "valkey", "postgres"):
        assert f"jawab: {name} was killed by SIGKILL, is started again at once" in said
    family = district.family()
    assert district.stop() == 0
    assert gone(family)


def test_what_a_dead_child_leaves_behind_is_ended_before_it_is_started_again(up: Up) -> None:
    district = up(worker="deaf")
    district.announced()
    worker = district.member("replies")
    left = until(worker.children, "the worker's own child")
    worker.kill()
    until(lambda: gone(left), "the dead worker's child has ended")


def test_a_web_process_that_cannot_start_is_shown_and_ends_the_start(up: Up) -> None:
    district = up(server="raise RuntimeError('no such template')")
    assert district.process.wait(timeout=60) == 1
    assert re.search(r"web-[12] ended with status 1", district.said())
    assert "RuntimeError: no such template" in district.said()
    assert not (district.data / "run" / "running.json").exists()


def test_a_refused_value_is_not_tried_again(up: Up) -> None:
    district = up(server="import sys; print('jawab: JAWAB_X: no'); sys.exit(2)")
    assert district.process.wait(timeout=60) == 1
    assert district.said().count("jawab: JAWAB_X: no") <= 2  # of two web processes


def test_a_worker_that_dies_at_the_start_is_shown_but_does_not_stop_the_web(up: Up) -> None:
    district = up(worker="raise RuntimeError('no lane')")
    district.announced()
    until(lambda: "RuntimeError: no lane" in district.said(), "its last lines")
    assert district.stop() == 0


def test_a_second_ctrl_c_hastens(up: Up) -> None:
    district = up(worker="deaf")
    district.announced()
    until(district.member("replies").children, "the worker's own child")
    family, server = district.family(), district.member("web-2")
    district.process.send_signal(signal.SIGINT)
    until(lambda: gone([server]), "the web process is stopped first")
    assert not gone(family)
    district.process.send_signal(signal.SIGINT)
    assert district.process.wait(timeout=15) == 0  # the worker had 60 s
    assert gone(family)


def test_a_stop_in_the_middle_of_seeding_is_a_stop(up: Up) -> None:
    district = up(slow_seed=1000)
    until(lambda: "seeding" in district.said(), "the seed has begun")
    family = district.family()
    assert district.stop(signal.SIGINT) == 0
    assert gone(family)
    assert not (district.data / "run" / "running.json").exists()


def test_an_ordinary_user_can_run_it_and_root_can_run_it_on_the_same_data(up: Up, folder: Path, nobody: Any) -> None:
    os.chown(folder, nobody.uid, nobody.gid)
    first = up(nobody)
    assert first.starts == 1
    assert {member.uids().real for member in first.family()} == {nobody.uid}
    assert stat.S_IMODE(first.data.stat().st_mode) == 0o700
    assert first.stop() == 0
    by_root = up()
    assert by_root.starts == 2
    assert by_root.member("bin/postgres").uids().real == nobody.uid
    assert by_root.stop() == 0
    again = up(nobody)
    assert again.starts == 3
    assert again.stop() == 0


def test_a_user_who_is_only_a_number_can_run_it(up: Up, folder: Path, nobody: Any) -> None:
    nameless = replace(nobody, uid=54321, gid=54321)
    os.chown(folder, nameless.uid, nameless.gid)
    district = up(nameless)
    until(lambda: district.process.poll() is not None or "{" in district.said(), "started or refused")
    if "could not look up effective user ID" in district.said():
        pytest.skip("user namespaces are not for ordinary users here")
    assert district.starts == 1
    assert district.stop() == 0


def test_an_ordinary_user_is_told_whose_folder_it_is(up: Up, folder: Path, nobody: Any) -> None:
    (folder / "var").mkdir(mode=0o700)
    district = up(nobody, fresh=True)
    assert district.process.wait(timeout=60) == 2
    assert district.said() == f"jawab: {folder}/var cannot be used: Permission denied (JAWAB_DATA)\n"


def test_the_pause_doubles_until_it_has_been_healthy_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("house.kept.time.monotonic", lambda: now)

    class Part:
        name, log = "part", Path("/nowhere")

        def start(self, given_up: object) -> None: ...
        def poll(self) -> int | None: ...
        def number(self) -> int:
            return 0

        def stop(self, hurry: object) -> None: ...

    kept = Kept(Part())
    pauses = []
    for _ in range(8):
        kept.start(lambda: False)
        now += 1
        pauses.append(kept.die())
    assert pauses == [0, 0.5, 1, 2, 4, 8, 16, 30]
    kept.start(lambda: False)
    now += 11
    assert kept.die() == 0
