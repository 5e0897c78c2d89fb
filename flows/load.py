"""`citizen/*.yaml` → Book. What is written wrong is refused here; what is written badly is found by `check`."""

from __future__ import annotations

import hashlib
import re
import string
from functools import cache
from pathlib import Path
from typing import Any

import locales
from flows import answers
from flows.asking import SAVED
from flows.book import ASKS, AWAY, Book, Branch, Choice, Node, Words
from flows.entries import compile_entries, read_entries
from flows.facts import FACTS
from flows.model import Option, Say
from flows.moving import RUN, TAKES
from flows.reading import Refused, Source, expect, plain, read, take
from flows.turn import SPOKEN
from locales.catalogs import find

__all__ = ["FOLDER", "Refused", "load_book"]

FOLDER = Path(__file__).parent / "citizen"

FLOW_KEYS: dict[str, type] = {"flow": str, "start": str, "report": bool, "twin": str, "nodes": dict}
NODE_KEYS: dict[str, type] = {
    "ask": str,
    "says": list,
    "options": dict,
    "table": str,
    "text": str,
    "branch": list,
    "next": str,
    "found": str,
    "look_up": str,
    "save": str,
    "effect": dict,
    "sealed": bool,
    "idle": bool,
    "parts": int,
}
OPTION_KEYS: dict[str, type] = {"digit": str, "text": str, "next": str, "effect": dict, "clear": str}
BRANCH_KEYS: dict[str, type] = {"when": str, "next": str}
TABLE_KEYS: dict[str, type] = {
    "categories": list,
    "unsorted": str,
    "languages": list,
    "scores": list,
    "quiet": dict,
}
WORDS_KEYS: dict[str, type] = {
    "universal": dict,
    "local_stops": list,
    "before_digits": list,
    "beside_places": list,
}
UNIVERSAL = ("menu", "back", "help", "stop", "start", "language", "status", "private")
CLEARS = ("", "report")
SAVES = (*SAVED, "place", "story", "scores")
LOOK_UPS = ("case", "facility")


def _one_of(source: Source, key: str, value: str, known: Any) -> None:
    if value and value not in known:
        raise source.refuse(key, f"{value!r} is not one of {', '.join(sorted(known))}")


def _effect(source: Source | None) -> tuple[str, dict[str, Any]] | None:
    if source is None:
        return None
    found = plain(source)
    if len(found) != 1:
        raise source.refuse("effect", "names one effect")
    ((kind, data),) = found.items()
    _one_of(source, "effect", kind, RUN)
    if not isinstance(data, dict):
        raise source.refuse(kind, "must be a mapping")
    if data.keys() != (takes := TAKES.get(kind, frozenset())):
        raise source.refuse(kind, f"takes {', '.join(sorted(takes)) or 'nothing'}")
    return kind, data


def _resolve(flow: str, target: str) -> str:
    return target if not target or target in AWAY or "." in target else f"{flow}.{target}"


def _options(flow: str, given: dict[str, Any], node: Source, tables: dict[str, tuple[str, ...]]) -> tuple[Choice, ...]:
    if "table" in given:
        _one_of(node, "table", given["table"], tables)
        text = given.get("text", given["table"])
        return tuple(
            Choice(row, str(place), f"{text}.{row}", _resolve(flow, given.get("next", "")))
            for place, row in enumerate(tables[given["table"]], 1)
        )
    options = []
    for name, source in given["options"].value.items() if "options" in given else ():
        found = take(source, name, OPTION_KEYS)
        for key in ("digit", "text", "next"):
            if key not in found:
                raise source.refuse(key, f"missing in option {name}")
        if not re.fullmatch(r"[1-9][0-9]?", found["digit"]):
            raise source.refuse("digit", "a number from 1 to 99 in quotes; 0 is Back")
        _one_of(source, "clear", found.get("clear", ""), CLEARS)
        effect = _effect(found.get("effect"))
        options.append(
            Choice(name, found["digit"], found["text"], _resolve(flow, found["next"]), effect, found.get("clear", ""))
        )
    return tuple(options)


def _branch(flow: str, source: Source) -> Branch:
    found = take(source, "branch", BRANCH_KEYS)
    if "next" not in found:
        raise source.refuse("next", "missing in a branch")
    _one_of(source, "when", found.get("when", ""), FACTS)
    return Branch(found.get("when", ""), _resolve(flow, found["next"]))


def _node(flow: str, name: str, source: Source, head: dict[str, Any], tables: dict[str, tuple[str, ...]]) -> Node:
    given = take(source, name, NODE_KEYS)
    ask = given.get("ask", "")
    _one_of(source, "ask", ask, ASKS)
    _one_of(source, "save", given.get("save", ""), SAVES)
    _one_of(source, "look_up", given.get("look_up", ""), LOOK_UPS)
    options = _options(flow, given, source, tables)
    if ask == "choice" and not options:
        raise source.refuse(name, "asks for a choice and has no options")
    return Node(
        name=f"{flow}.{name}",
        flow=flow,
        line=source.line,
        ask=ask,
        says=tuple(given.get("says", ())),
        options=options,
        branch=tuple(_branch(flow, branch) for branch in given.get("branch", ())),
        next=_resolve(flow, given.get("next", "")),
        found=_resolve(flow, given.get("found", "")),
        look_up=given.get("look_up", ""),
        save=given.get("save", ""),
        effect=_effect(given.get("effect")),
        sealed=given.get("sealed", False),
        idle=given.get("idle", False),
        report=head.get("report", False),
        parts=given.get("parts", 2),
        shown=tuple(Option(option.id, option.digit, Say(option.text)) for option in options),
        choices={option.id: option for option in options},
    )


def _texts(source: Source) -> list[str]:
    """Every text in a list, or in lists inside it."""
    match source.value:
        case list(inner):
            return [text for item in inner for text in _texts(item)]
    return [expect(source, "words", str)]


def _words(path: Path) -> Words:
    source = read(path)
    take(source, path.name, WORDS_KEYS)
    given = source.value
    for key in WORDS_KEYS:
        if key not in given:
            raise source.refuse(key, "missing")
    fold = cache(locales.fold)
    universal: dict[str, str] = {}
    for name, words in given["universal"].value.items():
        _one_of(words, name, name, UNIVERSAL)
        for word in _texts(words):
            if universal.setdefault(fold(word), name) != name:
                raise words.refuse(word, f"means {universal[fold(word)]} already")
    local_stops = frozenset(map(fold, _texts(given["local_stops"])))
    return Words(
        universal=universal | dict.fromkeys(local_stops, "stop"),
        local_stops=local_stops,
        before_digits=tuple(map(fold, _texts(given["before_digits"]))),
        beside_places=frozenset(map(fold, _texts(given["beside_places"]))),
        heard=compile_entries(read_entries(path.parent / "heard"), fold),
    )


@cache
def _needs(key: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in string.Formatter().parse(find(key, "en")) if name)


def _twins(heads: dict[str, tuple[Source, dict[str, Any]]], nodes: dict[str, Node]) -> dict[str, str]:
    twins = {}
    for flow, (source, head) in heads.items():
        if twin := head.get("twin"):
            _one_of(source, "twin", twin, heads)
            pairs = ((f"{twin}.{name.partition('.')[2]}", name) for name, node in nodes.items() if node.flow == flow)
            twins.update({ordinary: name for ordinary, name in pairs if ordinary in nodes})
    return twins


def _matches(nodes: dict[str, Node]) -> dict[tuple[str, str], dict[str, str]]:
    keys = {option.text for node in nodes.values() for option in node.options}
    folded = {lang: {key: locales.fold(locales.say(key, lang)) for key in keys} for lang in locales.ALL_LANGS}
    return {
        (node.name, lang): answers.index(
            node.options, folded[lang], [texts for other, texts in folded.items() if other != lang]
        )
        for node in nodes.values()
        if node.options
        for lang in locales.ALL_LANGS
    }


def load_book(folder: Path = FOLDER) -> Book:
    """Read every flow of a folder. Refused, with file, line and key, for what cannot be used."""
    tables_source = read(folder / "tables.yaml")
    given = take(tables_source, "tables.yaml", TABLE_KEYS)
    quiet = take(given["quiet"], "quiet", {"report": int, "end": int, "sealed": int})
    tables = {name: given[name] for name in ("categories", "languages", "scores")}
    if tuple(given["languages"]) != locales.LANGS:
        raise tables_source.refuse("languages", f"the languages are {', '.join(locales.LANGS)}, in this order")
    words = _words(folder / "words.yaml")

    paths = sorted(path for path in folder.glob("*.yaml") if path.name not in {"tables.yaml", "words.yaml"})
    heads: dict[str, tuple[Source, dict[str, Any]]] = {}
    nodes: dict[str, Node] = {}
    for path in paths:
        source = read(path)
        head = take(source, path.name, FLOW_KEYS)
        for key in ("flow", "start", "nodes"):
            if key not in head:
                raise source.refuse(key, "missing")
        flow = head["flow"]
        if flow in heads:
            raise source.refuse(flow, "a flow of this name is there already")
        heads[flow] = (source, head)
        for name, inner in head["nodes"].value.items():
            nodes[f"{flow}.{name}"] = _node(flow, name, inner, head, tables)
        _one_of(source, "start", head["start"], head["nodes"].value)

    _refuse_lost_targets(nodes, heads)
    keys = {key for node in nodes.values() for key in (*node.says, *(option.text for option in node.options))}
    keys.update(SPOKEN)
    twins = _twins(heads, nodes)
    needs = {key: _needs(key) for key in keys}
    return Book(
        nodes=nodes,
        starts={flow: f"{flow}.{head['start']}" for flow, (_, head) in heads.items()},
        files={flow: source.file for flow, (source, _) in heads.items()},
        twins=twins,
        faces={name: ordinary for ordinary, name in twins.items()},
        words=words,
        tables=tables,
        unsorted=given["unsorted"],
        needs=needs,
        plain={key: Say(key) for key, names in needs.items() if not names},
        outside=frozenset(key for key, names in needs.items() if "outside" in names),
        quiet_report=quiet["report"],
        quiet_end=quiet["end"],
        quiet_sealed=quiet["sealed"],
        fold=locales.fold,
        fingerprint=_fingerprint(folder),
        matches=_matches(nodes),
    )


def _refuse_lost_targets(nodes: dict[str, Node], heads: dict[str, tuple[Source, dict[str, Any]]]) -> None:
    for node in nodes.values():
        targets = [node.next, node.found, *(option.next for option in node.options), *(way.next for way in node.branch)]
        for target in targets:
            if target and target not in AWAY and target not in nodes:
                raise Refused(f"{heads[node.flow][0].file}, line {node.line}: next: there is no node {target}")


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("heard/*.tsv")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
