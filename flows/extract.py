"""The text keys of the flows, for `pybabel extract`: a method on `flows/citizen/*.yaml` and `flows/turn.py`."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO, Any

from flows.reading import Source, read
from flows.turn import SPOKEN

Found = tuple[int, None, str, list[str]]

# Rows of these tables become keys by the `text` of the node that offers them.
_TABLES = Path(__file__).parent / "citizen" / "tables.yaml"


def _options(node: Source) -> Generator[Found]:
    given = node.value
    if "table" in given:
        prefix = given.get("text", given["table"]).value
        for row in read(_TABLES).value[given["table"].value].value:
            yield node.line, None, f"{prefix}.{row.value}", [f"option {row.value}"]
    for name, option in given["options"].value.items() if "options" in given else ():
        yield option.line, None, option.value["text"].value, [f"option {name}"]


def extract_keys(path: Path) -> Generator[Found]:
    """(line, function, key, comments) of every text that one flow file names."""
    source = read(path)
    for name, node in source.value["nodes"].value.items() if "nodes" in source.value else ():
        for said in node.value["says"].value if "says" in node.value else ():
            yield said.line, None, said.value, [f"said by {name}"]
        yield from _options(node)


def extract_spoken() -> Generator[Found]:
    """The texts that no flow names because they can be said anywhere."""
    for line, key in enumerate(SPOKEN, 1):
        yield line, None, key, ["said anywhere"]


def extract(fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterable[Found]:  # noqa: ARG001 - Babel's own shape
    """Babel's extraction method; a flow has no use for keywords, comment tags or options."""
    path = Path(fileobj.name)
    return extract_spoken() if path.suffix == ".py" else extract_keys(path)
