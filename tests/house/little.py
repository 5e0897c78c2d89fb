"""A forking parent whose children do almost nothing, and begin fast."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import socket

from house import forks, pulse
from house.beat import EVERY, Beat
from house.forks import Task


def web(task: Task) -> None:
    """It serves what the supervisor listens to, and shows that it lives by the loop that serves."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = f"{task.name} {os.getpid()}".encode()
            self.send_response(200 if self.path in {"/ready", "/who"} else 404)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    leaving = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: leaving.set())
    server = HTTPServer(("", 0), Ready, bind_and_activate=False)
    server.socket = task.sockets["http"][0]
    server.timeout = EVERY
    while not leaving.is_set():
        task.beat.strike()
        server.handle_request()


def deaf(task: Task) -> None:
    """A worker that does not want to stop, with a child of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "1000"])
    alive(task)


def alive(task: Task) -> None:
    asyncio.run(pulse.go_on(task.beat))


def program(task: Task) -> None:
    """What a test wants to be done."""
    exec(task.words["program"], {"task": task, "given": task.given, "alive": alive, "web": web})  # noqa: S102


def main() -> None:
    line, beat, broken = int(sys.argv[-2]), int(sys.argv[-1]), sys.argv[1]
    if os.path.exists(broken):  # noqa: PTH110
        raise RuntimeError("no such code")
    forks.name_process("jawab-parent")
    does = {"web": web, "deaf": deaf, "program": program}
    forks.serve(socket(fileno=line), Beat(beat), lambda task: does[task.does](task))


if __name__ == "__main__":
    main()
