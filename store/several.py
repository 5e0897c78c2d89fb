"""A statement about one thing made one about several: each parameter becomes a column of the row that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping


def asked(types: Mapping[str, str]) -> str:
    """The rows themselves, numbered from 1 in `n`, for a FROM: a parameter is an array of this type, by its name.

    Arrays go in binary: as text psycopg looks through each element for what has to be quoted, a third of a turn's CPU.
    """
    arrays = ", ".join(f"%({name})b::{kind}[]" for name, kind in types.items())
    columns = ", ".join(f'"{name}"' for name in types)
    return f"unnest({arrays}) WITH ORDINALITY AS asked ({columns}, n)"


def by(row: str, piece: str) -> str:
    """A piece of a statement, told of one row at a time by `row`."""
    return re.sub(r"%\((\w+)\)s", rf'{row}."\1"', piece)
