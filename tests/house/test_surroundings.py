"""The small things around the parts: ports, readiness, logs, locks, children that must not outlive us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from house import logs, process, web
from house.process import Ending
from tests.house.small_district import until

EVERYWHERE = "0.0.0.0"  # noqa: S104


def refused(host: str, port: int, variable: str = "JAWAB_PORT") -> str:
    with pytest.raises(web.Taken) as taken:
        web.listen(host, port, variable=variable)
    return str(taken.value)


def test_a_port_is_free_taken_or_not_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refused("127.0.0.1", port) == f"port {port} on 127.0.0.1 is taken (JAWAB_PORT)"
        assert refused(EVERYWHERE, port) == f"port {port} on {EVERYWHERE} is taken (JAWAB_PORT)"
        told = refused("127.0.0.1", port, variable="JAWAB_DESK_PORT")
        assert told == f"port {port} on 127.0.0.1 is taken (JAWAB_DESK_PORT)"
    (ours,) = web.listen("127.0.0.1", port)
    with ours, socket.create_connection(("127.0.0.1", port)):
        pass  # nobody has taken it yet, and it is not refused
    assert refused("no.such.host.invalid", port) == (
        "no.such.host.invalid is not an address of this machine (JAWAB_HOST)"
    )


def test_an_address_is_written_as_a_browser_reads_it() -> None:
    assert web.address("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert web.address("::1", 8000) == "http://[::1]:8000"


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_ready_is_what_the_web_process_says(status: int, ready: bool) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/ready" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert web.is_ready("127.0.0.1", server.server_port) is ready
        assert web.is_ready(EVERYWHERE, server.server_port) is ready
    finally:
        server.shutdown()
        server.server_close()
    assert web.is_ready("127.0.0.1", server.server_port) is False


def test_a_large_log_is_begun_anew_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old line\n" * 100)
        logs.trim(tmp_path, largest=10_000)
        assert not (tmp_path / "web.log.1").exists()
        logs.trim(tmp_path, largest=100)
        writer.write(b"new line\n")
    assert log.read_bytes() == b"new line\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"old line\n" * 100


def test_a_lock_is_held_by_one_and_let_go_with_its_holder(tmp_path: Path) -> None:
    first = process.take_lock(tmp_path / "lock")
    assert first is not None
    assert process.take_lock(tmp_path / "lock") is None
    os.close(first)
    second = process.take_lock(tmp_path / "lock")
    assert second is not None
    os.close(second)


def test_a_child_is_asked_once_then_killed_with_what_it_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    deaf = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\n"
        "subprocess.Popen(['sleep', '1000'])\n"
        "print('begun', flush=True)\n"
        "while True: signal.pause()\n"
    )
    child = process.start(
        [sys.executable, "-c", deaf], log=log, env=os.environ, ending=Ending(asked=((signal.SIGTERM, 0.5),))
    )
    until(lambda: "begun" in log.read_text(), "it has begun")
    left = psutil.Process(child.handle.pid).children()
    child.ask()
    child.stop()
    assert child.poll() == -signal.SIGKILL
    assert log.read_text().count("asked") == 1
    until(lambda: all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in left), "its own is gone")


def test_the_last_lines_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{number}\n" for number in range(50_000)))
    assert process.last_lines(log, 2) == "49998\n49999"
    assert process.last_lines(tmp_path / "none") == ""


def test_a_child_of_a_child_can_ask_to_die_with_it() -> None:
    program = (
        "import os, signal, sys\n"
        "from house.process import die_with_parent\n"
        "me = os.getpid()\n"
        "if os.fork() == 0:\n"
        "    die_with_parent(signal.SIGKILL, me)\n"
        "    print(os.getpid(), flush=True)\n"
        "    signal.pause()\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "it has died with its parent")


def test_a_long_start_is_told_and_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "TELL_EVERY", 0.0)
    asked = iter([False, False, True])
    child = process.start(["sleep", "1000"], log=tmp_path / "log", env=os.environ, ending=Ending())
    try:
        process.wait_until_ready("PostgreSQL", child, lambda: next(asked), tmp_path / "log", process.Patience(60))
    finally:
        child.stop()
    assert caplog.messages[0] == f"jawab: PostgreSQL is still starting; see {tmp_path}/log"
