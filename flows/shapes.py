"""The shapes of a conversation, frozen by the type checker alone.

A step makes a dozen of them. What Python charges for refusing to write into one at run time is three quarters of the
making; nothing writes into one, which mypy holds for every line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as shape
    from dataclasses import replace
else:

    def shape(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """`dataclass`, equal and hashed by its fields as a frozen one is."""
        return dataclass(unsafe_hash=frozen, slots=slots)

    def replace(one: Any, /, **changed: Any) -> Any:
        """`dataclasses.replace` for a shape: TypeError for a name that it has not."""
        read, places = _fields(type(one))
        values = list(read(one))
        try:
            for name, value in changed.items():
                values[places[name]] = value
        except KeyError as unknown:
            raise TypeError(f"{type(one).__name__} has no {unknown}") from None
        return type(one)(*values)

    @cache
    def _fields(kind: type) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]:
        names = [field.name for field in fields(kind)]
        return attrgetter(*names), {name: place for place, name in enumerate(names)}


__all__ = ["replace", "shape"]
