"""The flows as a Mermaid diagram: what is asked, and where each answer leads."""

from __future__ import annotations

from flows.book import AWAY, Book, Node
from locales.catalogs import find

_MERMAID = str.maketrans({"\n": "<br>", '"': "&quot;", "{": "&lbrace;", "}": "&rbrace;"})


def _text(key: str, lang: str) -> str:
    return find(key, lang).translate(_MERMAID)


def _id(name: str) -> str:
    return name.replace(".", "_")


def _box(node: Node, lang: str) -> str:
    lines = [node.name, *(_text(key, lang) for key in node.says)]
    left, right = ("{", "}") if node.branch else ("[", "]") if node.ask else ("([", "])")
    return f'{_id(node.name)}{left}"{"<br>".join(lines)}"{right}'


def _arrow(node: Node, target: str, label: str = "") -> str:
    to = f"{_id(node.name)}_{target}(({target}))" if target in AWAY else _id(target)
    return f'    {_id(node.name)} -->|"{label}"| {to}' if label else f"    {_id(node.name)} --> {to}"


def _arrows(node: Node, lang: str) -> list[str]:
    found = [_arrow(node, option.next, f"{option.digit} {_text(option.text, lang)}") for option in node.options]
    if len(found) > 1 and len({option.next for option in node.options}) == 1:
        found = [_arrow(node, node.options[0].next, f"1-{node.options[-1].digit}")]
    found += [_arrow(node, way.next, way.when or "else") for way in node.branch]
    if node.found:
        found.append(_arrow(node, node.found, "found"))
    if node.next and not node.options and not node.branch:
        found.append(_arrow(node, node.next, "not found" if node.found else ""))
    return found


def draw(book: Book, flow: str = "", lang: str = "en") -> str:
    """Mermaid text of one flow, or of all of them. KeyError for a flow that is not there."""
    flows = [flow] if flow else sorted(book.starts)
    lines = ["flowchart TD"]
    for name in flows:
        nodes = [node for node in book.nodes.values() if node.flow == book.nodes[book.starts[name]].flow]
        lines.append(f"  subgraph {name}")
        lines += [f"    {_box(node, lang)}" for node in nodes]
        lines.append("  end")
        lines += [arrow for node in nodes for arrow in _arrows(node, lang)]
        lines += [f"  style {_id(node.name)} stroke-width:3px" for node in nodes if node.sealed]
    return "\n".join(lines) + "\n"
