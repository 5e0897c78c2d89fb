"""A running supervisor as another process sees it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

UP = Path(__file__).with_name("up.py")
REPOSITORY = UP.parents[2]


def until(done: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return answer


def comm(one: psutil.Process) -> str:
    """As the kernel calls it; "" where it has gone."""
    try:
        return Path(f"/proc/{one.pid}/comm").read_text().strip()
    except OSError:
        return ""


def copied(made: Path, to: Path) -> Path:
    shutil.copytree(made, to, dirs_exist_ok=True)
    to.chmod(0o700)
    return to


@dataclass
class District:
    """A running supervisor as another process sees it."""

    process: subprocess.Popen[str]
    data: Path
    port: int
    says: Path

    @property
    def starts(self) -> int:
        return int(self.announced()["starts"])

    def announced(self) -> dict[str, Any]:
        def line() -> str | None:
            assert self.process.poll() is None, self.said()
            return next((line for line in self.said().splitlines() if line.startswith("{")), None)

        found: dict[str, Any] = json.loads(until(line, "announced"))
        return found

    def said(self) -> str:
        return self.says.read_text()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def member(self, word: str) -> psutil.Process:
        """The direct child of that name, or whose command names the word."""

        def find() -> psutil.Process | None:
            for child in psutil.Process(self.process.pid).children():
                try:
                    if word == comm(child) or any(word in part for part in child.cmdline() if "/" in word):
                        return child
                except psutil.NoSuchProcess:
                    continue
            return None

        found: psutil.Process = until(find, word)
        return found

    def stop(self, number: int = 15) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)
