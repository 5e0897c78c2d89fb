"""Alarms: what a person must look at. Ids and kinds of errors, never words."""

from __future__ import annotations

from typing import Any

import structlog
from psycopg.types.json import Jsonb

from store.database import Tx

log = structlog.get_logger()


async def sound(tx: Tx, kind: str, district_id: str | None = None, **data: Any) -> None:
    log.warning("alarm", kind=kind, district=district_id, **data)
    await tx.execute(
        "INSERT INTO alarms (kind, district_id, data) VALUES (%s, %s, %s)", (kind, district_id, Jsonb(data))
    )
