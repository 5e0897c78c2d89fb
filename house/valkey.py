"""A real Valkey of our own: the doorbell. It holds ids, never words, and losing it loses nothing."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from house import Failed, binaries, domain, process
from house.process import Ended, Ending, Process
from house.users import Users

# Loading a large append-only file takes a while; this one holds ids and stays small.
LOADING_PATIENCE = 60.0
LAST_GASP = 20.0
# Below the data, what is no business of its.
CLOSED = ("keys", "demo.json", "postgres", "log", "run")


class Valkey:
    """The server for one folder of data. `start` again after a crash gives the same address."""

    name = "valkey"

    def __init__(self, data: Path, users: Users | None = None) -> None:
        """`users`: who else comes to it than we ourselves."""
        self._users = users
        self.data = data.absolute()
        self.folder = self.data / "valkey"
        self.log = self.data / "log" / "valkey.log"
        self._record = self.data / "run" / "valkey.sockets"
        self._sockets: Path | None = None
        self._process: Process | None = None

    def start(self, given_up: Callable[[], bool] = process.never) -> str:
        again = self._sockets is not None
        try:
            try:
                self._start(given_up)
            except Ended:
                # A broken append-only file must not keep a district's answers waiting: the truth is in PostgreSQL,
                # and the sweep rings again for everything that is due.
                self._put_aside()
                self._start(given_up)
        except BaseException:
            self._end(keep_address=again)
            raise
        return self.url

    def _start(self, given_up: Callable[[], bool]) -> None:
        started = self._spawn(given_up)
        patience = process.Patience(LOADING_PATIENCE, given_up)
        process.wait_until_ready("Valkey", started, self.ready, self.log, patience)

    def _spawn(self, given_up: Callable[[], bool] = process.never) -> Process:
        """Start the server without waiting for it."""
        for folder in (self.data, self.folder, self.data / "run", self.data / "log"):
            process.own_folder(folder)
        program = binaries.valkey_server()
        with process.lock_for_child(self.data / "run" / "valkey.lock", "Valkey", LAST_GASP, given_up) as lock:
            self._sockets = process.short_folder(self._record, self._sockets)
            if self._users is not None:
                self._users.let_in(self._sockets)
            # Every process of ours speaks to it, and it runs scripts for who asks: it has no power either.
            shut = domain.shut([self.data / name for name in CLOSED]) if process.is_ours(self.folder) else None
            try:
                self._process = self._run(program, lock, shut)
            finally:
                if shut is not None:
                    shut.close()
            return self._process

    def _run(self, program: Path, lock: int, shut: domain.Domain | None) -> Process:
        return process.start(
            [
                *(
                    program,
                    "--port",
                    "0",
                    "--unixsocket",
                    self._socket,
                    "--unixsocketperm",
                    "777",
                ),  # its folder is what is shut
                *("--dir", self.folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                # Full memory must be an error that is seen, not a doorbell that quietly loses rings.
                *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", ""),
            ],
            log=self.log,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            ending=Ending(orphaned=signal.SIGTERM),
            inherit=[lock],
            folder=self.folder,
            domain=shut,
        )

    def ready(self) -> bool:
        """Whether it answers: while it loads its file it is there, and says that it is not ready."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(str(self._socket))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def poll(self) -> int | None:
        """None while the server lives, else its exit status."""
        return self._process.poll() if self._process else 0

    def number(self) -> int:
        """The number of its process; 0: none."""
        return self._process.handle.pid if self._process else 0

    def stop(self, hurry: Callable[[], bool] = process.never) -> None:
        self._end(hurry)

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        if self._sockets is None:
            raise Failed("Valkey is not running")
        return self._sockets / "valkey.sock"

    def _end(self, hurry: Callable[[], bool] = process.never, keep_address: bool = False) -> None:
        if self._process is not None:
            self._process.stop(hurry)
            self._process = None
        if self._sockets is not None and not keep_address:  # only our own: the record may be another's
            process.clear_short_folder(self._record)
            self._sockets = None

    def _put_aside(self) -> None:
        broken = self.folder.with_name("valkey.broken")
        if broken.exists():
            shutil.rmtree(broken)
        self.folder.rename(broken)
