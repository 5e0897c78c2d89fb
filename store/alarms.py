"""Alarms: what a person must look at. Ids and kinds of errors, never words."""

from __future__ import annotations

from typing import Any

import structlog
from psycopg.types.json import Jsonb

from store.database import Tx

log = structlog.get_logger()


async def sound(tx: Tx, kind: str, district_id: str | None = None, *, once: bool = False, **data: Any) -> None:
    """`once`: not while the same kind is open with the same data. Who sounds holds the row that the data name."""
    done = await tx.execute(
        "INSERT INTO alarms (kind, district_id, data) SELECT %(kind)s, %(district)s, %(data)s WHERE NOT %(once)s"
        " OR NOT EXISTS (SELECT 1 FROM alarms WHERE kind = %(kind)s AND cleared_at IS NULL AND data = %(data)s)",
        {"kind": kind, "district": district_id, "data": Jsonb(data), "once": once},
    )
    if done.rowcount:
        log.warning("alarm", kind=kind, district=district_id, **data)


async def clear(tx: Tx, kind: str, **data: Any) -> None:
    """What was the matter is over."""
    await tx.execute(
        "UPDATE alarms SET cleared_at = now() WHERE kind = %s AND cleared_at IS NULL AND data = %s", (kind, Jsonb(data))
    )
