"""What is counted for Prometheus: names and values, from rows; nothing of anybody, and nothing that is sealed."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

import clockwork
import jobs
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from store.metrics import GAUGES, Metrics

Owner = psycopg.AsyncConnection[Any]
Samples = dict[str, dict[tuple[str, ...], float]]


async def read(jawab: Jawab) -> Samples:
    """name → (label values in the order of their names) → value, of our own."""
    found: Samples = {}
    for family in text_string_to_metric_families((await Metrics(jawab).text()).decode()):
        if family.name.startswith("jawab_"):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sample.labels[name] for name in sorted(sample.labels))] = (
                    sample.value
                )
    return found


@pytest.fixture
async def channel(owner: Owner, demo: SimpleNamespace) -> uuid.UUID:
    (row,) = await (await owner.execute("SELECT id FROM channels WHERE kind = 'sms'")).fetchall()
    channel_id: uuid.UUID = row[0]
    return channel_id


@pytest.fixture
async def contact(owner: Owner, channel: uuid.UUID) -> uuid.UUID:
    contact_id = uuid.uuid4()
    await owner.execute(
        "INSERT INTO contacts (id, channel_id, address_tag, address_box, last_inbound_at)"
        " VALUES (%s, %s, 'tag', 'box', now() - interval '1000 s')",
        (contact_id, channel),
    )
    return contact_id


async def put(owner: Owner, contact: uuid.UUID, lane: str, state: str, error: str | None = None, ago: int = 0) -> None:
    await owner.execute(
        "INSERT INTO outbox (id, contact_id, lane, purpose, lang, message, state, error, due_at, created_at)"
        " VALUES (gen_random_uuid(), %(contact)s, %(lane)s, 'case', 'ur', '', %(state)s, %(error)s,"
        " now() - %(ago)s * interval '1 s', now() - %(ago)s * interval '1 s')",
        {"contact": contact, "lane": lane, "state": state, "error": error, "ago": ago},
    )


async def test_an_empty_house_tells_zeros(jawab: Jawab) -> None:
    found = await read(jawab)
    assert found["jawab_database_up"] == {(): 1}
    assert found["jawab_outbox_messages"] == {
        (lane, state): 0 for lane in ("replies", "broadcasts") for state in ("queued", "sending", "parked")
    }
    assert found["jawab_outbox_oldest_due_seconds"] == {("replies",): 0, ("broadcasts",): 0}
    assert found["jawab_inbox_messages"] == {("undone",): 0, ("dead",): 0}


async def test_the_outbox_is_counted_by_lane_state_age_and_fate(jawab: Jawab, owner: Owner, contact: uuid.UUID) -> None:
    for lane, state, error, ago in (
        ("replies", "queued", None, 300),
        ("replies", "queued", None, 100),
        ("replies", "queued", None, -500),  # not due yet
        ("replies", "sending", None, 1),
        ("broadcasts", "queued", "quiet hours", -500),
        ("broadcasts", "parked", "63016", 10),
        ("replies", "sent", None, 60),
        ("replies", "delivered", None, 60),
        ("replies", "delivered", None, 90_000),  # not of this day
        ("broadcasts", "failed", "30005", 70),
        ("broadcasts", "failed", "30005", 80),
        ("broadcasts", "withdrawn", "stopped", 80),
    ):
        await put(owner, contact, lane, state, error, ago)
    found = await read(jawab)
    assert found["jawab_outbox_messages"] == {
        ("replies", "queued"): 3,
        ("replies", "sending"): 1,
        ("replies", "parked"): 0,
        ("broadcasts", "queued"): 1,
        ("broadcasts", "sending"): 0,
        ("broadcasts", "parked"): 1,
    }
    age = found["jawab_outbox_oldest_due_seconds"]
    assert 300 <= age["replies",] < 360
    assert age["broadcasts",] == 0
    assert found["jawab_outbox_last_day"] == {  # error, lane, state
        ("", "replies", "queued"): 3,
        ("", "replies", "sending"): 1,
        ("", "replies", "sent"): 1,
        ("", "replies", "delivered"): 1,
        ("quiet hours", "broadcasts", "queued"): 1,
        ("63016", "broadcasts", "parked"): 1,
        ("30005", "broadcasts", "failed"): 2,
        ("stopped", "broadcasts", "withdrawn"): 1,
    }


async def test_undone_and_dead_messages_and_open_alarms_are_counted(jawab: Jawab, owner: Owner) -> None:
    for state in ("undone", "dead", "dead", "done"):
        await owner.execute(
            "INSERT INTO inbox (id, provider, provider_id, state) VALUES (gen_random_uuid(), 'x', %s, %s)",
            (uuid.uuid4().hex, state),
        )
    for kind, cleared in (("undone", False), ("undone", False), ("undone", True), ("media_failed", True)):
        await owner.execute(
            "INSERT INTO alarms (kind, cleared_at) VALUES (%s, CASE WHEN %s THEN now() END)", (kind, cleared)
        )
    found = await read(jawab)
    assert found["jawab_inbox_messages"] == {("undone",): 1, ("dead",): 2}
    assert found["jawab_alarms_open"] == {("undone",): 2}


async def test_each_number_of_ours_tells_how_long_it_is_silent_and_nobody_elses_is_named(
    jawab: Jawab, owner: Owner, keys: Keys, channel: uuid.UUID, contact: uuid.UUID
) -> None:
    await owner.execute("UPDATE channels SET created_at = now() - interval '90000 s'")
    await owner.execute("UPDATE channels SET retired_at = now() WHERE kind = 'whatsapp'")
    (address,) = (await (await owner.execute("SELECT address FROM channels WHERE id = %s", (channel,))).fetchall())[0]
    silent = (await read(jawab))["jawab_channel_silent_seconds"]  # channel, district, kind
    assert 1000 <= silent[str(channel), "pishin", "sms"] < 1060
    assert all(seconds >= 90_000 for labels, seconds in silent.items() if labels[2] != "sms"), "since it was added"
    assert "whatsapp" not in {kind for _, _, kind in silent}
    text = (await Metrics(jawab).text()).decode()
    assert address not in text
    assert address.lstrip("+") not in text


async def test_what_is_sealed_is_in_no_metric(jawab: Jawab, owner: Owner) -> None:
    def steady(found: Samples) -> Samples:
        return {name: samples for name, samples in found.items() if not name.endswith("_seconds")}

    await clockwork.enter(jawab)
    before = await read(jawab)
    await owner.execute(
        "INSERT INTO sealed.cases (id, district_id, opened_week, due_acknowledge, due_resolve, code_hash, day_box,"
        " recipients, recipients_mac)"
        " VALUES (gen_random_uuid(), 'pishin', '2026-W01', '2026-01-01', '2026-01-01', 'hash', '', '{}', '')"
    )
    for kind in ("protected_overdue", "protected_opens", "protected_without_reader", "protected_without_escrow"):
        await owner.execute("INSERT INTO alarms (kind) VALUES (%s)", (kind,))
    after = await read(jawab)
    assert steady(before) == steady(after)
    assert {name: set(samples) for name, samples in before.items()} == {
        name: set(samples) for name, samples in after.items()
    }
    for job in jobs.JOBS:
        if "protected" in job.name:
            await clockwork.run(jawab, job)
            assert (job.name,) not in (await read(jawab)).get("jawab_job_seconds", {})


async def test_jobs_tell_their_age_length_and_error(jawab: Jawab, owner: Owner) -> None:
    await clockwork.enter(jawab)
    await owner.execute(
        "UPDATE jobs SET started_at = now() - interval '50 s', ended_at = now(), seconds = 1.5, outcome = 'done',"
        " due_at = now() + interval '1 h' WHERE name = 'escalate'"
    )
    await owner.execute(
        "UPDATE jobs SET started_at = now() - interval '70 s', ended_at = now(), seconds = 0.5, outcome = 'failed',"
        " error = 'RuntimeError', due_at = now() - interval '30 s' WHERE name = 'go_quiet'"
    )
    found = await read(jawab)
    assert found["jawab_job_seconds"] == {("escalate",): 1.5, ("go_quiet",): 0.5}
    assert found["jawab_job_failed"] == {("", "escalate"): 0, ("RuntimeError", "go_quiet"): 1}
    assert 50 <= found["jawab_job_age_seconds"]["escalate",] < 110
    assert found["jawab_job_late_seconds"]["escalate",] == 0
    assert 30 <= found["jawab_job_late_seconds"]["go_quiet",] < 90


async def test_a_database_that_is_away_is_said_and_no_error(keys: Keys, jawab: Jawab) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:9/none", keys, roles=("console",))
    try:
        for pool in nowhere._pools.values():
            await pool.open(wait=False)
        text = (await Metrics(replace(jawab, db=nowhere), patience=0.2).text()).decode()
    finally:
        await nowhere.close()
    assert "jawab_database_up 0.0" in text
    assert not any(f"\n{gauge.name}{{" in text for gauge in GAUGES)
    assert "process_cpu_seconds_total" in text


async def test_many_who_ask_at_once_cost_one_reading(
    jawab: Jawab, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics(jawab)
    first = await asyncio.gather(*(metrics.text() for _ in range(20)))
    await owner.execute("INSERT INTO alarms (kind) VALUES ('undone')")
    assert {*first, await metrics.text()} == {first[0]}, "told again for some seconds"
    monkeypatch.setattr("store.metrics.FRESH", 0.0)
    assert b'jawab_alarms_open{kind="undone"} 1.0' in await metrics.text()
