"""What somebody reaches who looks into a process, or through a folder: for words that must not be there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote


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


def forms(word: str) -> set[bytes]:
    """How a word may lie somewhere: as text of files and of Python's memory, in JSON, in a form that was posted."""
    plain = {word, json.dumps(word).strip('"'), quote(word)}
    return {one.encode(coding) for one in plain for coding in ("utf-8", "utf-16-le")}


def files_with(folder: Path, word: str) -> Iterator[Path]:
    """Every file beneath `folder` in which the word lies in clear; what goes meanwhile is left out."""
    wanted = forms(word)
    for path in folder.rglob("*"):
        try:
            if path.is_file() and any(one in content for content in [path.read_bytes()] for one in wanted):
                yield path
        except FileNotFoundError:
            continue


def holds(pid: int, word: str) -> bool:
    """Whether a process has the word in clear, as far as we may look."""
    held = told(pid)
    return any(one in held for one in forms(word))
