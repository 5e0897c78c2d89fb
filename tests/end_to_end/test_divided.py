"""`jawab up` outside demo mode: three web processes, of which none holds what is another's, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from processes import logins_of
from store.crypto import Keys
from store.database import ROLES, ROLES_OF, SPEAKERS
from tests import folders
from tests.ports import free_port
from tests.town import ROOT, wait_for

PARTS = ("citizen", "desk", "custody")
RUN = [sys.executable, "-m", "cli"]


@pytest.fixture
def data() -> Iterator[Path]:
    with folders.made("divided") as folder:
        yield folder / "var"


def free_ports() -> dict[str, int]:
    return {part: free_port() for part in PARTS}


def told(pid: int) -> bytes:
    """What a process holds: arguments, environment, and what it has written in its memory; as far as we may look."""
    found = bytearray()
    try:
        found += Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as mem:
            for line in maps:
                place, rights = line.split()[:2]
                start, end = (int(part, 16) for part in place.split("-"))
                if rights.startswith("rw") and end - start < 1 << 28:
                    try:
                        mem.seek(start)
                        found += mem.read(end - start)
                    except OSError:
                        continue
    except PermissionError:
        pass  # its memory is hidden from us too
    return bytes(found)


def test_each_process_holds_its_own_and_serves_its_own(data: Path) -> None:
    ports = free_ports()
    names = {"citizen": "JAWAB_PORT", "desk": "JAWAB_DESK_PORT", "custody": "JAWAB_CUSTODY_PORT"}
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")}
    env |= {"JAWAB_MODE": "live", "JAWAB_DATA": str(data)} | {names[part]: str(port) for part, port in ports.items()}
    process = subprocess.Popen([*RUN, "up"], env=env, cwd=ROOT)
    family: list[psutil.Process] = []

    def listening() -> bool:
        assert process.poll() is None, "jawab up ended"
        try:
            return all(httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2).is_success for port in ports.values())
        except httpx.TransportError:
            return False

    try:
        wait_for(listening, 120)
        wait_for((data / "run" / "running.json").is_file)
        for part, path in {"desk": "/desk/queue", "custody": "/desk/protected"}.items():
            for other, port in ports.items():
                status = httpx.get(f"http://127.0.0.1:{port}{path}").status_code
                assert (status == 404) == (other != part), (path, other, status)

        keys = Keys.load(data / "keys" / "master.key")
        owners = [(data / "keys" / f"{one}.password").read_bytes().strip() for one in ("owner", "postgres")]
        family = psutil.Process(process.pid).children(recursive=True)
        ours = {word: child for child in family for word in child.cmdline() if word in ROLES_OF}
        assert set(ours) == set(ROLES_OF) - {"all"}
        for name, child in ours.items():
            held = told(child.pid)
            assert [one for one in owners if one in held] == [], name
            with suppress(psutil.AccessDenied):
                assert not [one for one in child.environ() if one.startswith("JAWAB_")], name
            for role in {*ROLES, *SPEAKERS} - logins_of(name):
                assert keys.role_password(role).encode() not in held, (name, role)

        running = (data / "run" / "running.json").read_text()
        assert json.loads(running)["listening"] == [f"web-{part}" for part in PARTS]
        assert [one for one in owners if one.decode() in running] == []
        asked = subprocess.run([*RUN, "jobs", "--json"], env=env, cwd=ROOT, capture_output=True, check=True, text=True)
        assert {one["role"] for one in json.loads(asked.stdout)} == {"intake", "console", "custody"}
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
