"""Providers, as the admin sees them: whom sealed cases are referred to, and to whom no more. Opens no case."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI

from cases import providers
from desk import bodies
from store.database import Tx
from store.jawab import Jawab


async def _disable(tx: Tx, provider_id: UUID) -> None:
    await providers.disable(tx, provider_id, datetime.now(UTC))


def mount(app: FastAPI, jawab: Jawab) -> None:
    roll = bodies.Roll(
        name="providers",
        act="provider",
        ending="disable",
        body=providers.Helper,
        fields=("kind", "phone", "source", "read_on"),
        read=providers.list_all,
        put=providers.put,
        end=_disable,
        shown={"kinds": providers.KINDS},
    )
    bodies.mount_roll(app, jawab, roll)
