"""`jawab up` outside demo mode: three web processes, of which none holds what is another's, and nothing left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from handing import logins_of
from store.crypto import Keys
from store.database import ROLES, ROLES_OF, SPEAKERS
from tests import folders
from tests.house.small_district import comm
from tests.ports import free_port
from tests.reach import told
from tests.town import ROOT, found_town

PARTS = ("citizen", "desk", "custody")


@pytest.fixture
def data() -> Iterator[Path]:
    with folders.made("divided") as folder:
        yield folder / "var"


def test_each_process_holds_its_own_and_serves_its_own(data: Path) -> None:
    family: list[psutil.Process] = []
    with found_town("live", data) as town:
        urls = dict(zip(PARTS, (town.url, town.desk_url, town.custody_url), strict=True))
        for part, path in {"desk": "/desk/queue", "custody": "/desk/protected"}.items():
            for other, url in urls.items():
                status = httpx.get(f"{url}{path}").status_code
                assert (status == 404) == (other != part), (path, other, status)

        keys = Keys.load(data / "keys" / "master.key")
        owners = [(data / "keys" / f"{one}.password").read_bytes().strip() for one in ("owner", "postgres")]
        family = psutil.Process(town.process.pid).children(recursive=True)
        names = {comm(child): child for child in family}
        ours = {called: (called.removesuffix("-1").removesuffix("-2"), child) for called, child in names.items()}
        ours = {called: found for called, found in ours.items() if found[0] in ROLES_OF}
        assert {name for name, _ in ours.values()} == set(ROLES_OF) - {"all"}
        assert {"citizen-1", "citizen-2"} < set(ours)
        for name, child in [*ours.values(), ("nobody", names["jawab-parent"])]:
            held = told(child.pid)
            assert [one for one in owners if one in held] == [], name
            with suppress(psutil.AccessDenied):
                assert not [one for one in child.environ() if one.startswith("JAWAB_")], name
            theirs = logins_of(name) if name in ROLES_OF else set()
            for role in {*ROLES, *SPEAKERS} - theirs:
                assert keys.role_password(role).encode() not in held, (name, role)

        running = (data / "run" / "running.json").read_text()
        assert json.loads(running)["listening"] == ["citizen-1", "citizen-2", "desk", "custody"]
        assert [one for one in owners if one.decode() in running] == []
        assert {one["role"] for one in town.command("jobs", "--json")} == {"intake", "console", "custody"}
    assert [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("variable", ["JAWAB_DESK_PORT", "JAWAB_CUSTODY_PORT"])
def test_an_address_that_is_taken_is_one_line_and_nothing_is_made(data: Path, variable: str) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")}
    ports = {name: str(free_port()) for name in ("JAWAB_PORT", "JAWAB_DESK_PORT", "JAWAB_CUSTODY_PORT")}
    with socket.create_server(("127.0.0.1", int(ports[variable]))):
        refused = subprocess.run(
            [sys.executable, "-m", "jawab", "up"],
            env=plain | ports | {"JAWAB_MODE": "live", "JAWAB_DATA": str(data)},
            cwd=ROOT,
            capture_output=True,
            check=False,
            text=True,
        )
    line = f"jawab: port {ports[variable]} on 127.0.0.1 is taken ({variable})\n"
    assert (refused.returncode, refused.stderr) == (2, line)
    assert not (data / "postgres").exists()
