"""YAML with line numbers, read strictly: a wrong key or kind of value is refused with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class Refused(ValueError):
    """A flow file that cannot be used; the text is one line: file, line, key and what is wrong."""


@dataclass(frozen=True, slots=True)
class Source:
    """One value of a YAML file and where it stands; mappings and lists hold Sources."""

    file: str
    line: int
    value: Any

    def refuse(self, key: str, why: str) -> Refused:
        return Refused(f"{self.file}, line {self.line}: {key}: {why}")


_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in {"true", "yes", "on"},
}


def _build(node: yaml.Node, file: str) -> Source:
    line = node.start_mark.line + 1
    match node:
        case yaml.MappingNode():
            found: dict[str, Source] = {}
            for key, inner in node.value:
                at = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                    raise Refused(f"{file}, line {at}: {getattr(key, 'value', '?')}: write this key in quotes")
                if key.value in found:
                    raise Refused(f"{file}, line {at}: {key.value}: given twice")
                found[key.value] = _build(inner, file)
            return Source(file, line, found)
        case yaml.SequenceNode():
            return Source(file, line, [_build(inner, file) for inner in node.value])
        case yaml.ScalarNode() if node.tag in _SCALARS:
            return Source(file, line, _SCALARS[node.tag](node.value))
    raise Refused(f"{file}, line {line}: {getattr(node, 'value', '?')}: neither text, a whole number nor true or false")


def read(path: Path) -> Source:
    """The content of one file. Refused if it is not YAML or empty."""
    file = path.name
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        raise Refused(f"{file}, line {mark.line + 1 if mark else 1}: {broken.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise Refused(f"{file}, line 1: {broken}") from None
    if node is None:
        raise Refused(f"{file}, line 1: empty")
    return _build(node, file)


KINDS: dict[type, str] = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a mapping"}


def expect(source: Source, key: str, kind: type) -> Any:
    """The value of `source` if it is of this kind. Refused otherwise."""
    if type(source.value) is not kind:
        raise source.refuse(key, f"must be {KINDS[kind]}")
    return source.value


def take(source: Source, key: str, allowed: dict[str, type]) -> dict[str, Any]:
    """The values of a mapping by key. Refused for a key that is not in `allowed` or a value of the wrong kind.

    Scalars come as they are, lists of text as tuples, mappings as Sources.
    """
    found: dict[str, Any] = {}
    for name, inner in expect(source, key, dict).items():
        if name not in allowed:
            raise inner.refuse(name, f"unknown key; known are {', '.join(sorted(allowed))}")
        value = expect(inner, name, allowed[name])
        if allowed[name] is list and all(type(item.value) is str for item in value):
            value = tuple(item.value for item in value)
        found[name] = inner if allowed[name] is dict else value
    return found


def plain(source: Source) -> Any:
    """The value without its lines."""
    match source.value:
        case dict(found):
            return {key: plain(inner) for key, inner in found.items()}
        case list(found):
            return [plain(inner) for inner in found]
    return source.value
