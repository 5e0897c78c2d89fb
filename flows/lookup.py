"""What only the world can answer in the middle of a turn: a case's code, a facility's. Pure."""

from __future__ import annotations

from flows import codes
from flows.effects import LookUp
from flows.moving import go
from flows.turn import Turn


def look_up_case(turn: Turn, code: str) -> None:
    """Ask the world about a code; one with a wrong check digit needs no asking."""
    turn.misses = 0
    if codes.valid(code):
        turn.remember(look=code)
        look_up(turn, LookUp("case", code))
    else:
        turn.looked_up = code
        go(turn, "status.none")


def look_up(turn: Turn, wanted: LookUp) -> None:
    """Have something looked up; what opened the conversation is said with the answer: one message, not two."""
    turn.do(wanted)
    if turn.says:
        turn.remember(opening=turn.says[0].key)
        turn.says = []
