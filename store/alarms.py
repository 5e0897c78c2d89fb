"""Alarms: what a person must look at. Ids and kinds of errors, never words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import structlog
from psycopg.types.json import Jsonb

from store.database import Tx

log = structlog.get_logger()


async def sound(tx: Tx, kind: str, district_id: str | None = None, *, once: Collection[str] = (), **data: Any) -> bool:
    """`once` names the data that make it the same as one that is still open: then it is not sounded again, and False.

    Two at the same moment both sound, unless they hold the row that the data name.
    """
    same = {name: data[name] for name in once}
    done = await tx.execute(
        "INSERT INTO alarms (kind, district_id, data) SELECT %(kind)s, %(district)s, %(data)s WHERE %(same)s = '{}'"
        " OR NOT EXISTS (SELECT 1 FROM alarms WHERE kind = %(kind)s AND cleared_at IS NULL AND data @> %(same)s)",
        {"kind": kind, "district": district_id, "data": Jsonb(data), "same": Jsonb(same)},
    )
    if done.rowcount:
        log.warning("alarm", kind=kind, district=district_id, **data)
    return bool(done.rowcount)


async def clear(tx: Tx, kind: str, **data: Any) -> None:
    """What was the matter is over."""
    await tx.execute(
        "UPDATE alarms SET cleared_at = now() WHERE kind = %s AND cleared_at IS NULL AND data @> %s",
        (kind, Jsonb(data)),
    )
