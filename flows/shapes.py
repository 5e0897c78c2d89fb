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
        """`dataclasses.replace` for a shape. AttributeError for a name that it has not."""
        kind = type(one)
        made = kind(*_fields(kind)(one))
        for name, value in changed.items():
            setattr(made, name, value)
        return made

    @cache
    def _fields(kind: type) -> Callable[[Any], tuple[Any, ...]]:
        return attrgetter(*(field.name for field in fields(kind)))


__all__ = ["replace", "shape"]
