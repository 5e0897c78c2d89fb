"""Amend: later answers are written over an open case."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from cases import offices, register
from cases.history import Actor
from cases.lifecycle import CITIZEN, Refused
from flows.categories import CATEGORIES
from store.crypto import Keys
from store.database import Tx


async def amend(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    now: datetime,
    actor: Actor = CITIZEN,
    version: int | None = None,
    may_message: bool | None = None,
    place_id: str | None = None,
    place_text: str | None = None,
    category: str | None = None,
    finish: bool = False,
) -> None:
    """None leaves a thing as it is; `finish` ends a draft.

    A new category or place finds its office again while nobody has taken the case, and whenever staff says so.
    """
    case = await register.read(tx, case_id)
    given: dict[str, Any] = {"may_message": may_message, "place_id": place_id, "category": category}
    columns = {name: value for name, value in given.items() if value is not None and value != getattr(case, name)}
    if category is not None and category not in CATEGORIES:
        raise Refused("category_unknown")
    if place_text:
        columns["place_text"] = keys.encrypt(place_text.encode(), register.text_bound_to(case_id))
    changed = sorted(columns)
    if {"category", "place_id"} & columns.keys() and (case.status == "received" or actor != CITIZEN):
        columns["office_id"] = await offices.route(
            tx, case.district_id, columns.get("category", case.category), columns.get("place_id", case.place_id)
        )
    finishes = finish and case.draft
    if finishes:
        columns["draft"] = False
    if not columns:
        return
    data: dict[str, Any] = {"changed": changed}
    if "category" in columns:
        data["category"] = [case.category, category]
    verb = "finish" if finishes else "amend"
    await register.move(tx, case_id, verb, actor=actor, now=now, version=version, data=data, columns=columns)
