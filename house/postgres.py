"""A real PostgreSQL of our own: made once, on a Unix socket only, alive exactly as long as we are."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from house import Failed, account, binaries, process
from house.account import Account
from house.passwords import make_password, read_password
from house.process import Ending, Process
from house.users import Users

DATABASE = "jawab"
SUPERUSER, OWNER = "jawab_root", "jawab_owner"
Beside = Callable[[Callable[[], None], Callable[[], bool]], None]  # the work, and whether somebody has given up
OWNERS_FILE = "owner.password"

# Crash recovery of a large database takes minutes; ending it half-way would only begin it again.
RECOVERY_PATIENCE = 600.0
# How long the processes of an earlier, killed start may take to notice.
LAST_GASP = 30.0
# Fast shutdown (roll back, write a checkpoint), then immediate shutdown (recover at the next start).
# Killed, we leave it no time for a checkpoint: the next start is waiting for the lock, and recovery loses nothing.
ENDING = Ending(asked=((signal.SIGINT, 30.0), (signal.SIGQUIT, 6.0)), orphaned=signal.SIGQUIT)

STOPPING = "stopping"  # as the server says in its pid file

# Nothing of the environment reaches the server: it needs none of our secrets.
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

CONFIGURATION = """\
# Written at each start. Put your own lines into local.conf beside this file: they win.
listen_addresses = ''
unix_socket_permissions = 0777  # its folder is what is shut, and scram is asked all the same
max_connections = 250  # all pools full, and those of four processes that leave (tests/test_connections.py)
shared_buffers = 128MB
effective_cache_size = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 1GB
wal_recycle = off  # the log of what is forgotten goes with its files
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
password_encryption = 'scram-sha-256'
default_text_search_config = 'pg_catalog.simple'

# The log must not hold a person: no statements, no parameters, no details that quote a row, and not the server's
# copy of errors whose text quotes what was typed (the program that made the error logs it by name).
log_destination = 'stderr'
logging_collector = off
log_statement = 'none'
log_min_duration_statement = -1
log_min_messages = 'log'
log_min_error_statement = 'panic'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = 'terse'
log_checkpoints = off
log_connections = off
log_disconnections = off
log_line_prefix = '%m [%p] '

include_if_exists = 'local.conf'
"""


def here_and_now(work: Callable[[], None], _: Callable[[], bool]) -> None:
    work()


class Postgres:
    """The server for one folder of data. `start` again after a crash gives the same address."""

    name = "postgres"

    def __init__(
        self,
        data: Path,
        ways: tuple[account.Way, ...] = ("namespace", "user"),
        beside: Beside = here_and_now,
        users: Users | None = None,
    ) -> None:
        """`beside` does what takes a library of long imports, in a process that then ends, or here. `users`: who else
        comes to it than we ourselves."""
        self._users = users
        self._beside = beside
        self.data = data.absolute()
        self.cluster = self.data / "postgres"
        self.log = self.data / "log" / "postgres.log"
        self.account = Account()
        self._ways = ways
        self._password_file = self.data / "keys" / "postgres.password"  # the superuser's
        self._owners_password = self.data / "keys" / OWNERS_FILE
        self._record = self.data / "run" / "postgres.sockets"
        self._sockets: Path | None = None
        self._process: Process | None = None

    def start(self, given_up: Callable[[], bool] = process.never) -> str:
        """Make the database if it is the first time, start the server, and give the owner's address."""
        again = self._sockets is not None
        try:
            started = self._spawn(given_up)
            patience = process.Patience(RECOVERY_PATIENCE, given_up)
            process.wait_until_ready("PostgreSQL", started, self.ready, self.log, patience)
            self._beside(self._settle, given_up)
        except BaseException:
            self._end(keep_address=again)
            raise
        return self.url

    def _spawn(self, given_up: Callable[[], bool] = process.never) -> Process:
        """Start the server without waiting for it (its recovery may be long)."""
        for folder in (self.data, self.data / "run", self.data / "log", self.data / "keys"):
            process.own_folder(folder)
        programs = binaries.postgres_bin(self._major())
        self.account = account.choose(programs / "postgres", self.data, self._ways)
        with process.lock_for_child(self.data / "run" / "postgres.lock", "PostgreSQL", LAST_GASP, given_up) as lock:
            self._sockets = process.short_folder(self._record, self._sockets)
            self.account.give(self._sockets)
            if self._users is not None:
                self._users.let_in(self._sockets)
            elif self.account.owns is not None:  # our own processes walk in without being its owner
                self._sockets.chmod(0o711)
            if not self.cluster.exists():
                self._make(programs, lock)
            self._refuse_lost_password()
            self._own_files()
            # The lock is ours, so no process of this cluster lives: a pid file can only be a dead one's, and its
            # number may by now be anybody's.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            self._configure()
            self._process = process.start(
                [programs / "postgres", "-D", self.cluster, "-c", f"unix_socket_directories={self._sockets}"],
                log=self.log,
                env=SERVER_ENVIRONMENT,
                ending=ENDING,
                account=self.account,
                inherit=[lock],
            )
            return self._process

    def ready(self) -> bool:
        """Whether it lets others in: it says so in its own file, and to ask it takes a library that few of us need."""
        try:
            return (self.cluster / "postmaster.pid").read_text().rstrip().endswith("\nready")
        except OSError:
            return False

    def poll(self) -> int | None:
        """None while the server lives, else its exit status.

        One that somebody else asked to end (SIGTERM) takes nobody new and waits for its last connection. Our pools
        never let go of theirs, and what is started meanwhile finds no database; so it is told to end at once.
        """
        if self._process is None:
            return 0
        code = self._process.poll()
        if code is None and self._waits_for_the_last():
            self._process.handle.send_signal(signal.SIGINT)
        return code

    def number(self) -> int:
        """The number of its process; 0: none."""
        return self._process.handle.pid if self._process else 0

    def stop(self, hurry: Callable[[], bool] = process.never) -> None:
        self._end(hurry)

    @property
    def url(self) -> str:
        """The owner's. For psycopg; for SQLAlchemy the scheme is `postgresql+psycopg`, the rest is the same."""
        return _as(self.place, OWNER, self._owners_password)

    @property
    def superusers_url(self) -> str:
        """For what only a superuser can: to bring a dump back."""
        return _as(self.place, SUPERUSER, self._password_file)

    @property
    def place(self) -> str:
        """The same without anybody's name and password."""
        if self._sockets is None:
            raise Failed("PostgreSQL is not running")
        return f"postgresql:///{DATABASE}?host={quote(str(self._sockets))}"

    def _end(self, hurry: Callable[[], bool] = process.never, keep_address: bool = False) -> None:
        if self._process is not None:
            self._process.stop(hurry)
            self._process = None
        if self._sockets is not None and not keep_address:  # only our own: the record may be another's
            process.clear_short_folder(self._record)
            self._sockets = None

    def _make(self, programs: Path, lock: int) -> None:
        """Make the cluster beside its place and move it in when it is whole: a killed start leaves no half."""
        unfinished = self.data / "postgres.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        self.account.give(unfinished)
        assert self._sockets is not None  # noqa: S101 - _spawn has set it
        password_file = self._sockets / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(make_password(self._password_file))
        self.account.give(password_file)
        begun = time.monotonic()
        maker = process.start(
            [
                *(programs / "initdb", "-D", unfinished, "--username", SUPERUSER, "--pwfile", password_file),
                # Under plain C, search in Arabic script silently finds nothing.
                *("--locale=C.UTF-8", "--encoding=UTF8", "--auth=scram-sha-256", "--data-checksums"),
            ],
            log=self.log,
            env=SERVER_ENVIRONMENT,
            ending=Ending(asked=((signal.SIGTERM, 5.0),)),
            account=self.account,
            inherit=[lock],
        )
        try:
            code = maker.handle.wait(timeout=RECOVERY_PATIENCE - (time.monotonic() - begun))
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            maker.stop()
            password_file.unlink(missing_ok=True)
        if code != 0:
            raise Failed(f"PostgreSQL could not be set up in {self.cluster}:\n{process.last_lines(self.log)}")
        unfinished.rename(self.cluster)

    def _configure(self) -> None:
        own, local = self.cluster / "postgresql.conf", self.cluster / "local.conf"
        own.write_text(CONFIGURATION)
        if not local.exists():
            local.write_text("# For this machine: these lines win over postgresql.conf, and nobody overwrites them.\n")
        for written in (own, local):
            self.account.give(written)

    def _settle(self) -> None:
        from house import settling  # noqa: PLC0415 - with the library it needs: whoever stays has it done beside

        settling.settle(self.cluster, str(self._sockets), DATABASE, self._password_file, self._owners_password)

    def _waits_for_the_last(self) -> bool:
        try:
            return STOPPING in (self.cluster / "postmaster.pid").read_text().split()
        except OSError:
            return False

    def _major(self) -> int | None:
        """The version that wrote the data, if there is data."""
        written = self.cluster / "PG_VERSION"
        return int(written.read_text()) if written.is_file() else None

    def _refuse_lost_password(self) -> None:
        """Data whose password is gone would only be found out as an endless wait for an answer."""
        if not self._password_file.is_file():
            raise Failed(f"{self.cluster} is there, but {self._password_file} is not: bring it back from a backup")

    def _own_files(self) -> None:
        """Made in a namespace the files are root's own; made as another user they are that user's. Ways may change."""
        if os.geteuid() == 0:
            uid, gid = self.account.owns or (0, 0)
            if self.cluster.stat().st_uid != uid:
                account.give(self.cluster, uid, gid)


def as_owner(url: str, data: Path) -> str:
    """The address of an embedded database with its owner's name and password; any other as it was given."""
    file = data / "keys" / OWNERS_FILE
    return _as(url, OWNER, file) if url.startswith("postgresql:///") and file.is_file() else url


def _as(place: str, role: str, password: Path) -> str:
    return place.replace("postgresql:///", f"postgresql://{role}:{quote(read_password(password))}@/", 1)
