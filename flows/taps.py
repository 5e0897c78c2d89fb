"""What a button carries, so that a tap says which question it answers, however old its message is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

WAITING = "parked"  # the node of a button that shows what waits for its reader; it is none of the flows'
_VERSION = 8  # signs of the flows' fingerprint: Telegram lets a button carry 64 bytes in all
_BETWEEN = "|"


@dataclass(frozen=True, slots=True)
class Tap:
    """An option that was tapped; `node` and `version` are "" where the button named the option alone."""

    option: str
    node: str = ""
    version: str = ""


def write(node: str, version: str, option: str) -> str:
    """What the button of an option carries. The node is the ordinary one on both sides of the protected door."""
    return _BETWEEN.join((node, version[:_VERSION], option))


def read(carried: str) -> Tap:
    """What a tapped button carried."""
    node, between, rest = carried.partition(_BETWEEN)
    if not between:
        return Tap(carried)
    version, _, option = rest.partition(_BETWEEN)
    return Tap(option, node, version)
