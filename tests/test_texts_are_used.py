"""No text that nobody says, and nothing said that nobody wrote: the English catalogs against code, pages and flows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from flows.load import load_book
from locales.catalogs import DOMAINS, read_entries

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "broadcast", "cases", "desk", "flows", "locales", "pages", "store", "window")
KEY = re.compile(r"[a-z_]+(?:\.[a-z_0-9]+)+")
FILES = (".html", ".css", ".js", ".yaml", ".po", ".tsv", ".csv", ".key", ".pub", ".json")

KNOWN = {key for domain in DOMAINS for key in read_entries("en", domain)}
SPACES = {key.partition(".")[0] for key in KNOWN}
NODES = set(load_book().nodes)  # a node is called `flow.name`, which looks like a text's key


def is_key(said: str) -> bool:
    return bool(KEY.fullmatch(said)) and said.partition(".")[0] in SPACES and not said.endswith(FILES)


def of_code() -> Iterator[str]:
    """Keys and patterns of keys in Python, but for what is written into the audit."""
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        audited = {
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.write"
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if node in audited:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_key(node.value):
                yield re.escape(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
                if isinstance(parts[0], str) and is_key(f"{parts[0]}x"):
                    yield "".join("[a-z_0-9]+" if part is None else re.escape(str(part)) for part in parts)


def of_pages() -> Iterator[str]:
    for path in (path for room in ("bot", "desk", "pages", "window") for path in (ROOT / room).rglob("*.html")):
        page = path.read_text()
        yield from (re.escape(key) for key in re.findall(r"'([a-z_.0-9]+)'", page) if is_key(key))
        for head, tail in re.findall(r"'([a-z_.]+[._])' ~ [^'}~]+?(?: ~ '([a-z_.]+)'|[)}, ])", page):
            if is_key(f"{head}x"):
                yield f"{re.escape(head)}[a-z_0-9]+{re.escape(tail)}"


def of_flows() -> Iterator[str]:
    for node in load_book().nodes.values():
        yield from (re.escape(key) for key in (*node.says, *(option.text for option in node.options)))
    for data in ("demo.yaml", "remedies.yaml"):
        plan = (ROOT / "cases/data" / data).read_text()
        yield from (re.escape(key) for key in KEY.findall(plan) if is_key(key))


SAID = {*of_code(), *of_pages(), *of_flows()}


def test_every_text_is_said_somewhere() -> None:
    said = re.compile("|".join(sorted(SAID)))
    assert sorted(key for key in KNOWN if not said.fullmatch(key)) == []


def test_every_text_that_is_said_is_written() -> None:
    known = "\n".join(KNOWN | NODES)
    assert sorted(said for said in SAID if not re.search(f"^{said}$", known, re.MULTILINE)) == []
