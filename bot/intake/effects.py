"""Effects become rows, in the transaction of the turn that asked for them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from bot.intake import lookups, sealing
from cases import register, scorecards, sorting
from cases.protected import vault
from flows.model import Effect
from store.database import Tx

if TYPE_CHECKING:
    from bot.intake.turn import Turn

Data = dict[str, Any]


async def perform(tx: Tx, turn: Turn, effect: Effect) -> None:
    """Do one effect. KeyError for one that nobody handles, which rolls the turn back."""
    await HANDLERS[effect.kind](tx, turn, effect.data)


async def _keep_story(tx: Tx, turn: Turn, data: Data) -> None:
    items = list(data["story"])
    sorting_id = await sorting.keep(
        tx,
        turn.jawab.keys,
        code=data["code"],
        district_id=turn.district.id,
        contact_id=turn.contact_id,
        channel=turn.channel,
        lang=turn.lang,
        story=[_words(item) for item in items],
        now=turn.now,
    )
    await _keep_media(tx, turn, items, sorting_id)


async def _open_case(tx: Tx, turn: Turn, data: Data) -> None:
    keys, code = turn.jawab.keys, data["code"]
    answers: Data = {
        "category": data["category"],
        "place_id": data.get("place") or None,
        "place_text": data.get("place_text", ""),
        "may_message": data.get("may_message"),
        "draft": bool(data.get("draft")),
    }
    items = list(data.get("story") or ())
    if data.get("location"):
        items.append({"location": data["location"]})
    kept = await sorting.find(tx, code, turn.contact_id) if data.get("kept") else None
    if kept is not None:
        case_id = await sorting.open_case(tx, keys, kept, now=turn.now, **answers)
        for item in items:
            await _append_to_case(tx, turn, case_id, item)
        return
    case_id = await register.open(
        tx,
        keys,
        code=code,
        district_id=turn.district.id,
        contact_id=turn.contact_id,
        channel=turn.channel,
        lang=turn.lang,
        opened_at=turn.now,
        now=turn.now,
        story=[_words(item) for item in items],
        **answers,
    )
    for media_id in await _keep_media(tx, turn, items, case_id):
        await register.append_media(tx, keys, case_id, media_id, lang=turn.lang, now=turn.now)


async def _append(tx: Tx, turn: Turn, data: Data) -> None:
    """More words for a case or a kept story of this phone."""
    case = await register.find(tx, data["code"])
    if case is not None and case["contact_id"] == turn.contact_id:
        await _append_to_case(tx, turn, case["id"], data)
        return
    kept = await sorting.find(tx, data["code"], turn.contact_id)
    if kept is None:
        await _follow(tx, turn, data, "more")
        return
    await sorting.append(tx, turn.jawab.keys, kept, words=_words(data), now=turn.now)
    await _keep_media(tx, turn, [data], kept)


async def _append_to_case(tx: Tx, turn: Turn, case_id: uuid.UUID, item: Data) -> None:
    keys = turn.jawab.keys
    if item.get("text"):
        await register.append(
            tx, keys, case_id, author="citizen", kind="more", body=item["text"], lang=turn.lang, now=turn.now
        )
    if item.get("location"):
        lat, lon = item["location"]
        await register.append(
            tx,
            keys,
            case_id,
            author="citizen",
            kind="location",
            body={"lat": lat, "lon": lon},
            lang=turn.lang,
            now=turn.now,
        )
    for media_id in await _keep_media(tx, turn, [item], case_id):
        await register.append_media(tx, keys, case_id, media_id, lang=turn.lang, now=turn.now)


async def _amend(tx: Tx, turn: Turn, data: Data) -> None:
    keys = turn.jawab.keys
    case = await register.find(tx, data["code"])
    if case is not None and case["contact_id"] == turn.contact_id:
        await register.amend(
            tx,
            keys,
            case["id"],
            now=turn.now,
            may_message=data.get("may_message"),
            place_id=data.get("place"),
            place_text=data.get("place_text"),
            category=data.get("category"),
            finish=bool(data.get("finish")),
        )
        if data.get("location"):
            await _append_to_case(tx, turn, case["id"], {"location": data["location"]})
        return
    kept = await sorting.find(tx, data["code"], turn.contact_id)
    if kept is not None:
        names = {"place": "place_id", "place_text": "place_text", "category": "category", "may_message": "may_message"}
        answers = {to: data[name] for name, to in names.items() if name in data}
        await sorting.amend(tx, keys, kept, lang=turn.lang or None, **answers)
        return
    await _follow(tx, turn, data, "message")


async def _follow(tx: Tx, turn: Turn, data: Data, kind: str) -> None:
    """Words for a case that was sealed meanwhile go where it went; for nobody's code they are kept as a new story."""
    code = str(data["code"])
    await lookups.hash_code(turn, code)
    if await vault.find(tx, turn.hashes[code]) is not None:
        await sealing.seal(tx, turn, {**data, "kind": kind})
    elif data.get("text") or data.get("media") or data.get("location"):
        await _keep_story(tx, turn, {"code": turn.code, "story": [data]})


async def _forget(tx: Tx, turn: Turn, data: Data) -> None:
    kept = await sorting.find(tx, data["code"], turn.contact_id)
    if kept is not None:
        taken = await sorting.take(tx, turn.jawab.keys, kept)
        await tx.execute("DELETE FROM media WHERE case_id = %s", (taken.id,))
        await sealing.blank(tx, turn)


async def _set_language(tx: Tx, turn: Turn, data: Data) -> None:
    # The contact's own column is written by the move; the kept story must be answered in the same language.
    turn.lang = data["lang"]
    await tx.execute(
        "UPDATE sorting SET lang = %s WHERE contact_id = %s AND lang = ''", (data["lang"], turn.contact_id)
    )


async def _consent(tx: Tx, turn: Turn, data: Data) -> None:
    topic, granted = data["topic"], bool(data["granted"])
    await tx.execute(
        "INSERT INTO consents (contact_id, topic, granted, method, inbox_id) VALUES (%s, %s, %s, %s, %s)",
        (turn.contact_id, topic, granted, data["method"], turn.inbox_id),
    )
    if topic == "weekly" or not granted:
        await tx.execute(
            "UPDATE contacts SET weekly_since = CASE WHEN %s THEN coalesce(weekly_since, %s) END WHERE id = %s",
            (granted, turn.now, turn.contact_id),
        )


async def _rate(tx: Tx, turn: Turn, data: Data) -> None:
    await scorecards.rate(
        tx,
        round_id=uuid.UUID(str(data["round"])),
        facility_id=uuid.UUID(str(data["facility"])),
        contact_id=turn.contact_id,
        scores={str(name): int(score) for name, score in data["scores"].items()},
        now=turn.now,
    )


async def _verify(tx: Tx, turn: Turn, data: Data) -> None:
    case = await register.find(tx, data["code"])
    if case is None or case["contact_id"] != turn.contact_id or case["status"] != "resolved":
        return  # it has moved on meanwhile: a late answer changes nothing
    say = register.confirm if data["fixed"] else register.dispute
    await say(tx, case["id"], now=turn.now)


async def _call_person(tx: Tx, turn: Turn, data: Data) -> None:
    words = [str(word) for word in data.get("words") or ()]
    answers = {name: data[name] for name in ("reason", "about") if data.get(name)}
    await sorting.keep(
        tx,
        turn.jawab.keys,
        code=data["code"],
        district_id=turn.district.id,
        contact_id=turn.contact_id,
        channel=turn.channel,
        lang=turn.lang,
        story=[{"text": word} for word in words],
        now=turn.now,
        reason="person",
        answers=answers,
    )


def _words(item: Data) -> Data:
    """An item's text and location; its media are rows of their own."""
    return {name: item[name] for name in ("text", "location") if item.get(name)}


async def _keep_media(tx: Tx, turn: Turn, items: Iterable[Data], case_id: uuid.UUID) -> list[uuid.UUID]:
    """Note every photo and voice note of these items as waiting to be fetched. Returns the media ids."""
    made = []
    for item in items:
        for media in item.get("media") or ():
            media_id = uuid.uuid4()
            await sealing.note_media(tx, turn, media_id, media, case_id=case_id)
            made.append(media_id)
    if made:
        turn.rings.append(("chores", "chores", ()))
    return made


HANDLERS: dict[str, Callable[[Tx, Turn, Data], Awaitable[None]]] = {
    "keep_story": _keep_story,
    "open_case": _open_case,
    "append": _append,
    "amend": _amend,
    "seal": sealing.seal,
    "seal_story": sealing.seal_story,
    "forget": _forget,
    "set_language": _set_language,
    "consent": _consent,
    "rate": _rate,
    "verify": _verify,
    "call_person": _call_person,
}
