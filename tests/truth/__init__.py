"""Law 9 as a table: which row stands behind each sentence that a citizen reads, and each number that a page shows."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from cases import card_boxes
from locales.catalogs import read_entries
from store import inbox, outbox
from store.crypto import Keys

HERE = Path(__file__).parent
DOMAINS = ("messages", "public")
CLAIM_NOTHING = frozenset({"asks", "names", "tells"})
CODE = re.compile(r"[0-9]{13}")

FACTS: dict[str, dict[str, str]] = tomllib.loads((HERE / "facts.toml").read_text())
with (HERE / "texts.tsv").open(newline="") as _file:
    TEXTS: dict[str, str] = {row["key"]: row["fact"] for row in csv.DictReader(_file, delimiter="\t")}


def keys_of_catalogs() -> list[str]:
    """Every text that a citizen or a reader of the public pages may see."""
    return [key for domain in DOMAINS for key in read_entries("en", domain)]


def faults(keys: Iterable[str], texts: dict[str, str], facts: dict[str, dict[str, str]]) -> list[str]:
    """What is wrong with the table, a line each: a text without a fact, a fact without a text, an unknown name."""
    there = set(keys)
    found = [f"{key}: say in texts.tsv which row proves it" for key in sorted(there - texts.keys())]
    found += [f"{key}: no such text" for key in sorted(texts.keys() - there)]
    known = facts.keys() | CLAIM_NOTHING
    found += [f"{key}: {fact} is no fact of facts.toml" for key, fact in texts.items() if fact not in known]
    return found + [f"{fact}: no text rests on it" for fact in facts.keys() - set(texts.values())]


async def _heard(cursor: psycopg.AsyncCursor[Any], keys: Keys, inbox_id: Any) -> str:
    """What the box of a message holds of its words."""
    row = await (await cursor.execute("SELECT body FROM inbox WHERE id = %s", (inbox_id,))).fetchone()
    return str(keys.get_json(row["body"], inbox.bound_to(inbox_id)).get("text", "")) if row and row["body"] else ""


_OWED = """
SELECT o.id AS outbox, o.contact_id AS contact, o.inbox_id AS inbox, o.case_id AS case, o.created_at AS at, o.message
FROM outbox o WHERE o.state <> 'withdrawn' AND o.id <> ALL(%s) ORDER BY o.created_at"""


async def unproven(
    owner: psycopg.AsyncConnection[Any], keys: Keys, but: Iterable[Any] = ()
) -> tuple[list[str], list[Any]]:
    """The sentences of messages that are owed and that no row proves, a line each; and the ids that were looked at."""
    found, seen = [], []
    async with owner.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = await (await cursor.execute(_OWED, (list(but),))).fetchall()
        for row in rows:
            seen.append(row["outbox"])
            said = keys.get_json(row.pop("message"), outbox.bound_to(row["outbox"]))
            for key, values in said.get("says", ()):
                proof = FACTS.get(TEXTS.get(key, ""), {}).get("proof")
                if not proof:
                    continue
                codes = CODE.findall(json.dumps(said))
                given = {
                    **row,
                    "heard": await _heard(cursor, keys, row["inbox"]),
                    "values": json.dumps(values),
                    "codes": codes,
                    "tags": [tag for code in codes for tag in card_boxes.tags(keys, code)],
                }
                answer = await (await cursor.execute(f"SELECT {proof} AS proven", given)).fetchone()
                if not (answer and answer["proven"]):
                    found.append(f"{key}: {FACTS[TEXTS[key]]['says']}")
    return found, seen
