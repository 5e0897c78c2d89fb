"""Paper: a template set by Typst, which shapes Nastaliq. Values are data to it, never its own markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import segno

from pages.room import VENDOR

_FONTS = ("NotoNastaliqUrdu_400Regular.ttf", "NotoNaskhArabic_400Regular.ttf")


class NoFonts(Exception):
    """The fonts for paper are not on this machine: a letter would be a page of boxes."""


def has_paper() -> bool:
    """Whether a page can be printed in every script."""
    return all((VENDOR / name).is_file() for name in _FONTS)


def render(template: Path, values: Mapping[str, Any]) -> bytes:
    """A PDF of `template`, which reads `values` from `sys.inputs.values` as JSON. Some 50 ms of CPU: best in a thread.

    Raises `NoFonts`.
    """
    import typst  # noqa: PLC0415 - a library of its own, for the few processes that ever print

    if not has_paper():
        raise NoFonts
    return bytes(
        typst.compile(
            template,
            format="pdf",
            font_paths=[VENDOR],
            ignore_system_fonts=True,  # the same page on every machine
            sys_inputs={"values": json.dumps(dict(values), ensure_ascii=False)},
        )
    )


def qr(address: str) -> str:
    """A code that a telephone's camera reads, as SVG."""
    drawn = BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=2)
    return drawn.getvalue().decode()
