"""Open: a citizen's words become a case."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from cases import messages, offices, register
from cases.lifecycle import Refused
from cases.thread import Words
from flows.categories import CATEGORIES
from store.crypto import Keys
from store.database import Tx, new_id


async def open(  # noqa: A001 - the word for it everywhere; a case is opened with all that is known of it
    tx: Tx,
    keys: Keys,
    *,
    code: str,
    district_id: str,
    contact_id: UUID,
    channel: str,
    lang: str,
    category: str,
    opened_at: datetime,
    now: datetime,
    place_id: str | None = None,
    place_text: str = "",
    story: str | Iterable[Words] | None = None,
    may_message: bool | None = None,
    draft: bool = False,
    case_id: UUID | None = None,
) -> UUID:
    """Open an ordinary case: routed to an office, its clocks counted from `opened_at`. Returns its id."""
    if category not in CATEGORIES:
        raise Refused("category_unknown")
    case_id = case_id or new_id()
    await register.put(
        tx,
        id=case_id,
        code=code,
        district_id=district_id,
        contact_id=contact_id,
        channel=channel,
        lang=lang,
        category=category,
        place_id=place_id,
        place_text=keys.encrypt(place_text.encode(), register.text_bound_to(case_id)) if place_text else None,
        draft=draft,
        may_message=may_message,
        office_id=await offices.route(tx, district_id, category, place_id),
        opened_at=opened_at,
        now=now,
    )
    words = [{"text": story}] if isinstance(story, str) else list(story or ())
    await messages.put_words(tx, keys, case_id, words, lang=lang, now=now)
    return case_id
