"""On a card and in the thread of its case: several photos, a mute voice note, a refusal and why, a named pin."""

from __future__ import annotations

from bs4 import Tag

from store.jawab import Jawab
from tests.desk.conftest import Enter, Write
from tests.desk.triage import CANARY, PHOTO, Attach, Keep, after, card_of, say
from tests.pages import attribute, pick

MUTE = b"OggS" + b"no clock in here" * 40
NAMED = "سول ہسپتال, Hospital Road"


def all_there(page: Tag) -> set[str]:
    """What must be told of them, wherever it is; the addresses of the pictures."""
    text = " ".join(page.text.split())
    for told in (
        NAMED,
        "near Pishin · 30.58153, 66.99491",
        "Voice note · length not known · 1 kB · Download",
        "Photo: refused: of a kind that is not taken",
        "Photo: refused: too large",
    ):
        assert told in text, told
    assert text.count("Photo · 1 kB · Download") == 3
    return {attribute(one, "src") for one in page.select(".file.picture img")}


async def test_all_that_came_is_on_the_card_and_in_the_case(
    enter: Enter, keep: Keep, attach: Attach, write: Write, jawab: Jawab
) -> None:
    contact = await write()
    kept, _ = await keep([{"text": CANARY}, {"text": NAMED, "location": [30.58153, 66.99491]}], contact_id=contact)
    photos = {str(await attach(kept, contact, PHOTO, "image/jpeg")) for _ in range(3)}
    await attach(kept, contact, MUTE, "audio/ogg")
    await attach(kept, contact, None, "image/jpeg", fault="kind")
    await attach(kept, contact, None, "image/jpeg", fault="size")
    triage = await enter("triage")
    on_card = all_there(pick(await card_of(triage), ".kept"))
    assert {one.rpartition("/")[2] for one in on_card} == photos
    await say(triage, kept, "queue", category="health")
    await after(jawab)
    handler = await enter("handler")
    in_case = all_there(pick(await handler.soup(f"/desk/cases/{kept}"), ".thread"))
    assert {one.rpartition("/")[2] for one in in_case} == photos
    for one in in_case:
        assert (await handler.get(one)).status_code == 200
