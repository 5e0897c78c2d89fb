"""What looks for a word where it must not be would find it: a search that finds nothing proves nothing by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.reach import files_with, holds

WORD = "نشانی"


@pytest.mark.parametrize("lies", [WORD.encode(), json.dumps(WORD).encode(), quote(WORD).encode()], ids=range(3))
def test_a_word_in_a_file_is_found_however_it_was_written(tmp_path: Path, lies: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "with").write_bytes(b"\0\xff" + lies + b"\0")
    (tmp_path / "without").write_bytes(b"\0\xff")
    assert list(files_with(tmp_path, WORD)) == [tmp_path / "deep" / "with"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root looks into others")
def test_a_word_in_a_process_is_found() -> None:
    """Made there of numbers: it lies in the memory of Python alone, as no file or line has it."""
    does = "import sys; word = ''.join(chr(int(one)) for one in sys.argv[1:]); print(flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", does, *(str(ord(one)) for one in WORD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin
        assert other.stdout
        other.stdout.readline()
        found = holds(other.pid, WORD), holds(other.pid, f"{WORD} {WORD}")
        other.stdin.close()
    assert found == (True, False)
