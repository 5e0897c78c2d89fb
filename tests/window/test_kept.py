"""What is written or counted once for all who look, and when it is not any more."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import jinja2
import pytest
from starlette.requests import Request

from tests.window.conftest import last_week
from window import district, doors

Open = Callable[..., Awaitable[UUID]]


async def test_a_page_is_written_again_once_anything_that_it_says_has_changed(
    client: httpx.AsyncClient, owner: Any, sent: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then it is shown as it was last written, in each language and of each district its own."""
    written: list[str] = []
    render = jinja2.Template.render

    def note(self: jinja2.Template, *given: Any, **more: Any) -> str:
        written.append(str(self.name))
        return render(self, *given, **more)

    monkeypatch.setattr(jinja2.Template, "render", note)
    paths = [
        f"{path}?lang={lang}&district={here}"
        for path in ("/", "/figures", "/updates", f"/updates/{sent}")
        for lang in ("en", "ur")
        for here in ("pishin", elsewhere)
        if not (path.endswith(sent) and here == elsewhere)
    ]

    async def read_all() -> dict[str, str]:
        return {path: (await client.get(path)).text for path in paths}

    before = await read_all()
    assert len(set(before.values())) == len(written) == len(paths)
    assert await read_all() == before
    assert len(written) == len(paths)
    await owner.execute("UPDATE districts SET names = names || '{\"en\": \"Pishin anew\"}' WHERE id = 'pishin'")
    after = await read_all()
    assert all(("Pishin anew" in after[path]) == ("lang=en&district=pishin" in path) for path in paths)


@pytest.mark.parametrize("path", ["/try", "/o/somebody", "/updates.atom", "/open-data/figures.json", "/desk"])
def test_only_what_is_everybodys_is_kept(path: str) -> None:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"lang=ur", "headers": []}
    assert doors.ROOM.known_by(Request(scope)) is None
    assert doors.ROOM.known_by(Request({**scope, "path": "/figures"})) is not None
    assert doors.ROOM.known_by(Request({**scope, "path": "/figures", "query_string": b"x=1"})) is None


async def test_what_was_counted_stands_for_two_minutes_in_its_district(
    client: httpx.AsyncClient, opened: Open, sent: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent

    async def received(here: str) -> int | None:
        data = (await client.get(f"/open-data/figures.json?district={here}")).json()["districts"][0]
        shown = (await client.get(f"/figures?lang=en&district={here}")).text
        total: int | None = data["all_weeks"]["total"]["received"] if data["weeks"] else None
        assert ("Nothing to count yet" in shown) == (total is None)
        assert total is None or f"{total}</b>" in shown or f">{total}<" in shown
        return total

    assert await received(elsewhere) is None
    assert await received("pishin") == 7
    for _ in range(6):
        await opened(at=last_week()[1])
    assert await received("pishin") == 7
    now = time.monotonic()
    monkeypatch.setattr("window.counted.time.monotonic", lambda: now + district.CACHED + 1)
    assert await received("pishin") == 13
    assert await received(elsewhere) is None
