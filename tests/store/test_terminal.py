"""What a command shows to people is whole."""

from __future__ import annotations

import pytest

from store import terminal

HEAD = "0123456789abcdef" * 4


def test_what_does_not_fit_in_a_column_is_folded_and_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.out, "_width", 60)
    terminal.show([{"at": "2026-11-26T17:25:00.261883+00:00", "hash": HEAD}], as_json=False)
    shown = capsys.readouterr().out
    cells = [line.split("│")[2].strip() for line in shown.splitlines() if line.count("│") == 3]
    assert "".join(cells) == HEAD
