"""Effects become rows, in the transaction of the turn that asked for them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, assert_never

from bot.intake import door, lookups, sealing
from bot.intake.message import Turn
from cases import acts, heard, register, reserved, scorecards, sorting, thread
from cases.cards import CALLERS
from cases.fresh import fresh_code
from cases.protected import vault
from flows.effects import (
    Amend,
    Append,
    CallPerson,
    Consent,
    Effect,
    Forget,
    GiveCode,
    KeepStory,
    Lock,
    LookUp,
    OpenCase,
    Rate,
    Seal,
    SealStory,
    SetLanguage,
    Settle,
    Verify,
    Withdraw,
)
from flows.load import load_book
from flows.model import Item
from store import consents, contacts, inbox, media, outbox, sessions
from store.database import Tx

_book = cache(load_book)  # 0.1 s of YAML: once in a process
FLOOD = timedelta(hours=1)  # what comes within it of a phone that sends too much stands on one card
# What somebody wrote before they asked for a person: so much of it, and not from another day.
BEFORE, MOST_BEFORE = timedelta(hours=12), 6


async def perform(tx: Tx, turn: Turn, effect: Effect) -> None:  # noqa: PLR0912 - one case an effect
    """Do one effect."""
    match effect:
        case KeepStory():
            await sorting.take_back(tx, turn.contact_id, turn.now)
            await _keep_story(tx, turn, effect.code, effect.story, about=effect.about)
        case GiveCode():
            await reserved.keep(tx, effect.code, district_id=turn.district.id, now=turn.now)
        case OpenCase():
            await _open_case(tx, turn, effect)
        case Append():
            await _append(tx, turn, effect)
        case Amend():
            await _amend(tx, turn, effect)
        case Seal():
            await _seal(tx, turn, effect)
        case SealStory():
            await sealing.seal_story(tx, turn, effect)
        case Lock():
            await _lock(tx, turn, effect)
        case Forget():
            await _forget(tx, turn, effect)
        case SetLanguage():
            await _set_language(tx, turn, effect)
        case Consent():
            await _consent(tx, turn, effect)
        case Verify():
            await _verify(tx, turn, effect)
        case Withdraw():
            await _withdraw(tx, turn, effect)
        case Settle():
            await sessions.settle(tx, turn.contact_id, effect.at)
        case Rate():
            await _rate(tx, turn, effect)
        case CallPerson():
            await _call_person(tx, turn, effect)
        case LookUp():
            raise RuntimeError("a look-up is answered before its turn is written")
        case _:
            assert_never(effect)


async def _keep_story(tx: Tx, turn: Turn, code: str, story: Iterable[Item], *, about: bool = False) -> None:
    items = list(story)
    if turn.flood and (card := await sorting.find_last(tx, turn.contact_id, turn.now - FLOOD)) is not None:
        for item in items:
            await sorting.append(tx, turn.jawab.keys, card, words=item.words(), now=turn.now)
        await _keep_media(tx, turn, items, card)
        return
    sorting_id = await sorting.keep(
        tx,
        turn.jawab.keys,
        code=code,
        district_id=turn.district.id,
        contact_id=turn.contact_id,
        channel=turn.channel,
        lang=turn.lang,
        story=[item.words() for item in items],
        now=turn.now,
        answers={name: value for name, value in (("asked", turn.asked), ("about", about)) if value},
    )
    await sealing.copy(tx, turn, sorting_id, code, [item.words() for item in items])
    await _keep_media(tx, turn, items, sorting_id)


async def _open_case(tx: Tx, turn: Turn, effect: OpenCase) -> None:
    keys, details = turn.jawab.keys, effect.details
    answers: dict[str, Any] = {
        "category": details.category,
        "place_id": details.place or None,
        "place_text": details.place_text,
        "may_message": details.may_message,
        "draft": effect.draft,
    }
    items = [*effect.story, *([Item(location=details.location)] if details.location else ())]
    kept = await sorting.find(tx, turn.jawab.keys, effect.code, turn.contact_id) if effect.kept else None
    if kept is not None and await sorting.is_going_behind(tx, kept):
        await _seal_instead(tx, turn, effect, items)
        return
    if kept is not None:
        case_id = await sorting.open_case(tx, keys, kept, now=turn.now, **answers)
        for item in items:
            await _append_to_case(tx, turn, case_id, item)
        return
    case_id = await acts.open(
        tx,
        keys,
        code=effect.code,
        district_id=turn.district.id,
        contact_id=turn.contact_id,
        channel=turn.channel,
        lang=turn.lang,
        opened_at=turn.now,
        now=turn.now,
        story=[item.words() for item in items],
        **answers,
    )
    for media_id in await _keep_media(tx, turn, items, case_id):
        await thread.append_media(tx, keys, case_id, media_id, lang=turn.lang, now=turn.now)


async def _seal(tx: Tx, turn: Turn, effect: Seal) -> None:
    """One answer into its case; where nobody is left to seal it to, it waits locked."""
    try:
        await sealing.seal(tx, turn, effect)
    except vault.Nobody:
        await _lock(tx, turn, Lock(fresh_code(), effect.details, (effect.item,)))


async def _seal_instead(tx: Tx, turn: Turn, effect: OpenCase, items: Iterable[Item]) -> None:
    """Who sorts has read these words and put them behind the door, while their writer went on answering."""
    if not await door.is_open(tx, turn):
        await _lock(tx, turn, Lock(effect.code, effect.details, tuple(items), kept=True))
        return
    await lookups.hash_code(turn, effect.code)
    await sealing.seal_story(tx, turn, SealStory(effect.code, effect.details))
    for item in items:
        await sealing.seal(tx, turn, Seal(effect.code, "more", item))


async def _append(tx: Tx, turn: Turn, effect: Append) -> None:
    """More words for a case or a kept story; those of another phone that had its code are marked so."""
    case = await register.find(tx, effect.code, hold=True)
    if case is not None and case.district_id == turn.district.id:
        await _append_to_case(tx, turn, case.id, effect.item, by_code=case.contact_id != turn.contact_id)
        return
    kept = await sorting.find(tx, turn.jawab.keys, effect.code)
    if kept is None:
        await _follow(tx, turn, Seal(effect.code, "more", effect.item))
        return
    await sorting.append(tx, turn.jawab.keys, kept, words=effect.item.words(), now=turn.now)
    await sealing.copy(tx, turn, kept, effect.code, [effect.item.words()])
    await _keep_media(tx, turn, [effect.item], kept)


async def _append_to_case(tx: Tx, turn: Turn, case_id: uuid.UUID, item: Item, *, by_code: bool = False) -> None:
    keys = turn.jawab.keys
    if item.text:
        await thread.append(
            tx,
            keys,
            case_id,
            author="citizen",
            kind="more",
            body=item.text,
            lang=turn.lang,
            now=turn.now,
            by_code=by_code,
        )
    if item.location:
        lat, lon = item.location
        await thread.append(
            tx,
            keys,
            case_id,
            author="citizen",
            kind="location",
            body={"lat": lat, "lon": lon},
            lang=turn.lang,
            now=turn.now,
            by_code=by_code,
        )
    if item.safe_word:
        await thread.append_safe_word(tx, keys, case_id, item.safe_word, now=turn.now, by_code=by_code)
    for media_id in await _keep_media(tx, turn, [item], case_id):
        await thread.append_media(tx, keys, case_id, media_id, lang=turn.lang, now=turn.now, by_code=by_code)


# What the sorting list calls the answers that it keeps.
_KEPT_AS = {"place": "place_id", "place_text": "place_text", "category": "category", "may_message": "may_message"}


async def _amend(tx: Tx, turn: Turn, effect: Amend) -> None:
    keys, details = turn.jawab.keys, effect.details
    case = await register.find(tx, effect.code, hold=True)
    if case is not None and case.contact_id == turn.contact_id:
        await acts.amend(
            tx,
            keys,
            case.id,
            now=turn.now,
            may_message=details.may_message,
            place_id=details.place or None,
            place_text=details.place_text or None,
            category=details.category or None,
            finish=effect.finish,
        )
        if details.location:
            await _append_to_case(tx, turn, case.id, Item(location=details.location))
        return
    kept = await sorting.find(tx, turn.jawab.keys, effect.code, turn.contact_id)
    if kept is not None:
        answers = {_KEPT_AS[name]: value for name, value in details.answered().items() if name in _KEPT_AS}
        await sorting.amend(tx, keys, kept, lang=turn.lang or None, **answers)
        return
    await _follow(tx, turn, Seal(effect.code, "message", Item(location=details.location), details))


async def _follow(tx: Tx, turn: Turn, effect: Seal) -> None:
    """Words for a case that was sealed meanwhile go where it went; for nobody's code they are kept as a new story."""
    await lookups.hash_code(turn, effect.code)
    if await vault.find(tx, turn.hashes[effect.code]) is not None:
        await sealing.seal(tx, turn, effect)
    elif effect.item != Item():
        await _keep_story(tx, turn, fresh_code(), [effect.item])


async def _lock(tx: Tx, turn: Turn, effect: Lock) -> None:
    """What was said in front of a closed door waits for the province's triage alone, and no other copy stays."""
    keys, kept = turn.jawab.keys, None
    if effect.kept:
        kept = await sorting.find(tx, turn.jawab.keys, effect.code, turn.contact_id)
    if kept is None:
        await sorting.take_back(tx, turn.contact_id, turn.now)
        await _keep_story(tx, turn, effect.code, effect.story)
        kept = await sorting.find(tx, turn.jawab.keys, effect.code, turn.contact_id)
    else:
        for item in effect.story:
            await sorting.append(tx, keys, kept, words=item.words(), now=turn.now)
            await _keep_media(tx, turn, [item], kept)
    if kept is None:
        raise LookupError("what was just kept is gone")
    answers = {_KEPT_AS[name]: value for name, value in effect.details.answered().items() if name in _KEPT_AS}
    if effect.details.location:
        await sorting.append(tx, keys, kept, words=Item(location=effect.details.location).words(), now=turn.now)
    taken = await sorting.take(tx, keys, kept)
    await sorting.lock(tx, keys, replace(taken, answers={**taken.answers, **answers}), turn.now)
    await sealing.blank(tx, turn)


async def _forget(tx: Tx, turn: Turn, effect: Forget) -> None:
    kept = await sorting.find(tx, turn.jawab.keys, effect.code, turn.contact_id)
    if kept is not None:
        taken = await sorting.take(tx, turn.jawab.keys, kept)
        await media.delete_of(tx, taken.id)
        await sealing.blank(tx, turn)


async def _set_language(tx: Tx, turn: Turn, effect: SetLanguage) -> None:
    # The contact's own column is written by the move; the kept story must be answered in the same language.
    turn.lang = effect.lang
    await sorting.set_language(tx, turn.contact_id, effect.lang)


async def _consent(tx: Tx, turn: Turn, effect: Consent) -> None:
    await consents.write(
        tx,
        turn.contact_id,
        topic=effect.topic,
        granted=effect.granted,
        method=effect.method,
        inbox_id=turn.inbox_id,
    )
    if not effect.granted:
        await contacts.unsubscribe(tx, turn.contact_id)
    elif effect.topic == "weekly":
        await contacts.subscribe(tx, turn.contact_id, turn.now)


async def _rate(tx: Tx, turn: Turn, effect: Rate) -> None:
    await scorecards.rate(
        tx,
        round_id=uuid.UUID(effect.rating.round),
        facility_id=uuid.UUID(effect.rating.facility),
        contact_id=turn.contact_id,
        scores=effect.rating.scores,
        now=turn.now,
    )


async def _verify(tx: Tx, turn: Turn, effect: Verify) -> None:
    case = await register.find(tx, effect.code)
    if case is None or case.district_id != turn.district.id:
        return
    await outbox.let_lie(tx, case.id)
    await acts.say_done(tx, case, effect.verdict, by_code=case.contact_id != turn.contact_id, now=turn.now)


async def _withdraw(tx: Tx, turn: Turn, effect: Withdraw) -> None:
    """Of what nobody has sorted yet, their own words for it say it to who sorts."""
    case = await register.find(tx, effect.code)
    if case is not None and case.district_id == turn.district.id:
        await acts.say_wish(tx, case, effect.why, by_code=case.contact_id != turn.contact_id, now=turn.now)


async def _call_person(tx: Tx, turn: Turn, effect: CallPerson) -> None:
    """A card for a person, with what was not understood, else with what this phone wrote before it asked.

    What stands in a case already is not told again: of a report behind the door there is nothing to tell either.
    """
    await sorting.take_back(tx, turn.contact_id, turn.now)
    heard_at = await heard.of_contact(tx, turn.contact_id)
    since = max(turn.now - BEFORE, heard_at or turn.now - BEFORE)
    # Asked for each time: behind the door nobody knows what was not understood.
    before = await inbox.said(tx, turn.jawab.keys, turn.contact_id, since, MOST_BEFORE)
    words = [{"text": word} for word in effect.words] or [
        {"at": said.at.isoformat(), "text": said.text}
        for said in before
        # A digit says nothing without its question, and a command nothing at all.
        if any(sign.isalpha() for sign in said.text) and _book().words.universal.get(_book().fold(said.text)) is None
    ]
    answers: dict[str, Any] = {"reason": effect.reason}
    if effect.about:
        answers["about"] = effect.about
    if effect.call is not None:
        answers["call"] = {"who": effect.call.by if effect.call.by in CALLERS else "", "hour": effect.call.hour}
    card = await sorting.keep(
        tx,
        turn.jawab.keys,
        code=effect.code,
        district_id=turn.district.id,
        contact_id=turn.contact_id,
        channel=turn.channel,
        lang=turn.lang,
        story=words,
        now=turn.now,
        reason="person",
        answers=answers,
    )
    await sealing.copy(tx, turn, card, effect.code, words)
    if effect.call is not None:
        await sorting.set_state(tx, card, "call", turn.now)


async def _keep_media(tx: Tx, turn: Turn, items: Iterable[Item], case_id: uuid.UUID) -> list[uuid.UUID]:
    """Note every photo and voice note of these items as waiting to be fetched. Returns the media ids."""
    made = [await sealing.note_media(tx, turn, file, case_id=case_id) for item in items for file in item.media]
    if made:
        turn.ring("chores")
    return made
