"""A drawer of codes is filled by a thread that turns hardly ever wake."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.intake.drawer import Drawer, Fresh
from store.crypto import Keys


class Counting(Keys):
    """Keys whose hashes cost nothing, and are counted."""

    __slots__ = ()
    reckoned: list[str] = []  # noqa: RUF012 - emptied by who counts

    def hash_code(self, code: str) -> bytes:
        self.reckoned.append(code)
        return code.encode()


def test_a_turn_that_puts_its_code_back_wakes_nobody_and_a_drawer_that_runs_low_is_filled() -> None:
    keys = Counting((bytes(range(32)),))
    keys.reckoned.clear()
    ours = Drawer(keys, size=8)
    with ours.filling():
        assert _comes(lambda: len(keys.reckoned) == 8)
        drawn = ours.draw()
        time.sleep(0.2)  # a turn
        assert len(keys.reckoned) == 8, "one more was reckoned while a turn had its own in hand"
        ours.put_back(drawn)
        for _ in range(2):
            ours.draw()
        assert _comes(lambda: len(keys.reckoned) == 10), "two were given, and none came for them"


def test_three_codes_are_drawn_and_put_back_together() -> None:
    """Making three for each of thousands of turns that give none is a twentieth of what those turns cost."""
    ours = Drawer(Counting((bytes(range(32)),)), size=1)
    empty = ours.draw()
    assert empty.hash is None
    ours.put_back(empty)
    assert ours.draw() != empty, "a code without its hash is nobody's"
    ready = Fresh("9", b"hash", ("91", "92"))
    ours.put_back(ready)
    assert ours.draw() is ready
    with ours.filling():
        drawn = list[Fresh]()

        def filled() -> bool:
            drawn.append(ours.draw())
            return any(one.hash for one in drawn)

        assert _comes(filled)
    assert all(len({one.code, *one.spare}) == 3 for one in drawn)


def _comes(wished: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not wished() and time.monotonic() < end:
        time.sleep(0.01)
    return wished()
