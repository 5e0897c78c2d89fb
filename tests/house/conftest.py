"""Folders of our own and small districts that are surely gone after each test."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from house.postgres import Postgres
from house.process import clear_short_folder
from tests import folders
from tests.house.small_district import REPOSITORY, UP, District, copied
from tests.ports import free_port

BEFORE: Callable[[], object] | None = None  # what a supervisor lays down before it begins
IMPORTS = os.pathsep.join((str(REPOSITORY), sysconfig.get_paths()["purelib"]))


@dataclass(frozen=True)
class Ordinary:
    uid: int
    gid: int
    python: str

    @property
    def switch(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own."""
    with folders.made("house") as made:
        made.chmod(0o755)
        yield made


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """Data of an earlier run, stopped: most tests are not about the first start, which costs a second."""
    with folders.made("made") as folder:
        data = folder / "var"
        server = Postgres(data)
        with psycopg.connect(server.start()) as connection:
            connection.execute("create table people (phone text primary key, age integer)")
            connection.execute("insert into people values ('+923001234567', 40)")
        server.stop()
        yield data


@pytest.fixture
def up(folder: Path, made: Path) -> Iterator[Callable[..., District]]:
    started: list[District] = []

    def start(
        ordinary: Ordinary | None = None, fresh: bool = False, terminal: int | None = None, **given: Any
    ) -> District:
        given.setdefault("data", str(folder / "var"))
        given.setdefault("port", free_port())
        if not fresh and not ordinary and not started:
            copied(made, folder / "var")
        says = folder / f"said-{len(started)}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")}
        with says.open("w") as output:
            process = subprocess.Popen(
                [
                    *(() if terminal is None else ("setsid", "--ctty", "--wait")),
                    *(ordinary.python if ordinary else sys.executable, str(UP), json.dumps(given)),
                ],
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment | {"PYTHONPATH": IMPORTS, "PYTHONDONTWRITEBYTECODE": "1"},
                text=True,
                preexec_fn=BEFORE,  # noqa: PLW1509 - what a test asks for, in a process of one thread
                **(ordinary.switch if ordinary else {}),
            )
        district = District(process, Path(given["data"]), given["port"], says)
        started.append(district)
        return district

    yield start
    for district in started:
        if district.process.poll() is None:
            family = district.family()
            district.process.kill()
            district.process.wait()
            psutil.wait_procs(family, timeout=20)
        for record in district.data.glob("run/*.sockets"):  # a killed one's, which no later start will clear away
            clear_short_folder(record)


@pytest.fixture
def nobody() -> Ordinary:
    """An ordinary user who is not us, with a Python that this user can reach."""
    if os.geteuid() != 0:
        pytest.skip("only root can turn into somebody else; the other tests already run as an ordinary user")
    user = pwd.getpwnam("nobody")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        ordinary = Ordinary(user.pw_uid, user.pw_gid, python)
        try:
            subprocess.run(
                [python, "-c", "import psycopg, house.supervisor"],
                **ordinary.switch,
                cwd="/",
                env={"PYTHONPATH": IMPORTS},
                capture_output=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return ordinary
    pytest.skip("an ordinary user can reach no Python here, or not this folder")
