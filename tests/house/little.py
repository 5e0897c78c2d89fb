"""Children that do almost nothing, and begin fast."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def web() -> None:
    HTTPServer((os.environ["JAWAB_HOST"], int(os.environ["JAWAB_PORT"])), Ready).serve_forever()


def deaf() -> None:
    """A worker that does not want to stop, with a child of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "1000"])
    while True:
        signal.pause()


if __name__ == "__main__":
    {"web": web, "deaf": deaf}[sys.argv[1]]()
