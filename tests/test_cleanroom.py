"""The promise of the README: a fresh clone, one command, a working `/try`; and a clean end, as root and as anybody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.answers import typed
from tests.ports import free_port
from tests.town import SMALL

ROOT = Path(__file__).parent.parent
NOBODY = 65534
SYSTEM_PYTHON = Path("/usr/bin/python3")

pytestmark = [pytest.mark.cleanroom, pytest.mark.timeout(420)]


def until(what: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.1)
    return found


class Clone:
    """A fresh clone in a folder of its own, run by one user."""

    def __init__(self, folder: Path, user: int | None) -> None:
        self.folder, self.user = folder, user
        self.code = folder / "jawab"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(self.code)], check=True)
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAWAB_", "PYTEST_", "COV_"))}
        kept.pop("VIRTUAL_ENV", None)
        self.env = kept | SMALL | {"JAWAB_PORT": str(self.port), "HOME": str(folder / "home")}
        (folder / "home").mkdir()
        if user is None:
            self.env["HOME"] = os.environ.get("HOME", str(folder / "home"))
        else:
            self.env["PATH"] = "/usr/bin:/bin"
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, user, user, follow_symlinks=False)
        self.url = f"http://127.0.0.1:{self.port}"
        self.made: list[subprocess.Popen[bytes]] = []

    def make(self, target: str) -> subprocess.Popen[bytes]:
        """`make target` as this user; Popen's own `user` would keep root's groups."""
        as_user: dict[str, Any] = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        self.made.append(
            subprocess.Popen(
                ["make", target],
                cwd=self.code,
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **as_user,
            )
        )
        return self.made[-1]

    def end(self) -> None:
        """Nothing of it runs or is open any more, whatever became of the test."""
        for one in self.processes():
            one.kill()
        for process in self.made:
            process.kill()
            process.communicate()

    def ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read().decode()
        try:
            return httpx.get(f"{self.url}/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def processes(self) -> list[psutil.Process]:
        """Everything that runs out of this clone."""
        return [
            process
            for process in psutil.process_iter(["pid", "cmdline"])
            if any(str(self.folder) in part for part in process.info["cmdline"] or ())
        ]

    def supervisor(self) -> psutil.Process:
        return next(one for one in self.processes() if one.cmdline()[-1:] == ["up"])


@pytest.fixture(params=["as we are", "as an ordinary user"])
def clone(request: pytest.FixtureRequest) -> Iterator[Clone]:
    ordinary = request.param != "as we are"
    if ordinary and os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    if ordinary and (
        not SYSTEM_PYTHON.exists()
        or subprocess.run([SYSTEM_PYTHON, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Python with venv that an ordinary user may run")
    folder = Path(tempfile.mkdtemp(prefix="jawab-clean-"))
    folder.chmod(0o755)
    made = Clone(folder, NOBODY if ordinary else None)
    yield made
    made.end()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_fresh_clone_runs_ends_without_a_trace_and_keeps_its_data(clone: Clone) -> None:
    process = clone.make("run")
    until(lambda: clone.ready(process), 240)
    demo = json.loads(until((clone.code / "var" / "demo.json").read_text, 10))
    assert (clone.code / "var" / "demo.json").stat().st_mode & 0o777 == 0o600
    assert {"handler", "triage", "protected", "editor", "approver"} <= {row["role"] for row in demo["logins"]}

    with httpx.Client(base_url=clone.url, follow_redirects=True, timeout=20) as phone:
        assert phone.get("/try").status_code == 200
        for text in typed():
            assert phone.post("/try", data={"text": text}).status_code == 200
        handler = next(row for row in demo["logins"] if row["role"] == "handler")
        given = {"login": handler["user"], "password": handler["password"]}
        assert phone.post("/desk/login", data=given).url.path == "/desk/queue"
    assert len(cases(clone)) == 1

    # A second start on the same folder says so and harms nothing.
    second = clone.make("run")
    said = second.communicate(timeout=60)[0].decode()
    assert second.returncode != 0
    assert "already running" in said

    # What a terminal's Ctrl-C or a service manager's stop does to `make run`.
    clone.supervisor().send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    until(lambda: not clone.processes(), 15)

    # Killed without a chance to tidy up: nothing is left running, and the next start has the data.
    process = clone.make("run")
    until(lambda: clone.ready(process), 60)
    clone.supervisor().kill()
    process.communicate(timeout=60)
    until(lambda: not clone.processes(), 30)
    process = clone.make("run")
    until(lambda: clone.ready(process), 60)
    assert len(cases(clone)) == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    until(lambda: not clone.processes(), 15)


def cases(clone: Clone) -> list[dict[str, Any]]:
    """`.venv/bin/jawab` in the same folder finds the running parts without any variable."""
    env = {name: value for name, value in clone.env.items() if not name.startswith("JAWAB_")}
    as_user: dict[str, Any] = {"user": clone.user, "group": clone.user, "extra_groups": []} if clone.user else {}
    run = subprocess.run(
        [clone.code / ".venv/bin/jawab", "case", "list", "--json"],
        cwd=clone.code,
        env=env,
        capture_output=True,
        check=True,
        **as_user,
    )
    listed: list[dict[str, Any]] = json.loads(run.stdout)
    return listed
