"""Every sentence has its row: the table holds every text, and its facts run on the real tables."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from cases import figures
from tests.truth import CLAIM_NOTHING, FACTS, TEXTS, faults, keys_of_catalogs

NULL: dict[str, Any] = {
    **dict.fromkeys(("outbox", "contact", "inbox", "case", "at")),
    "codes": [],
    "tags": [],
    "heard": "",
    "values": "{}",
}


def test_every_text_names_the_row_that_proves_it() -> None:
    assert faults(keys_of_catalogs(), TEXTS, FACTS) == []


def test_a_text_that_is_added_without_its_row_is_named() -> None:
    added = faults([*keys_of_catalogs(), "case.fixed"], TEXTS, FACTS)
    assert added == ["case.fixed: say in texts.tsv which row proves it"]
    assert faults(keys_of_catalogs(), {**TEXTS, "report.done": "hope"}, FACTS)[0] == (
        "report.done: hope is no fact of facts.toml"
    )
    assert faults(keys_of_catalogs(), TEXTS, {**FACTS, "hope": {}}) == ["hope: no text rests on it"]


@pytest.mark.parametrize("fact", [fact for fact, of in FACTS.items() if of["proof"]])
async def test_a_fact_is_read_from_the_real_tables_and_an_empty_house_proves_none(
    fact: str, owner: psycopg.AsyncConnection[Any]
) -> None:
    answer = await (await owner.execute(f"SELECT {FACTS[fact]['proof']} AS proven", NULL)).fetchone()
    assert answer is not None
    assert not answer[0] or "NOT EXISTS" in FACTS[fact]["proof"], "what nothing can disprove proves nothing"


def test_every_number_of_the_figures_page_is_one_that_is_counted() -> None:
    shown = {key.split(".")[2] for key, fact in TEXTS.items() if fact == "figure"}
    counted = {*figures.NUMBERS, *(name.rpartition("_")[0] for name in figures.RATES)}
    days = {"days", "days_half", *(f"days_{name}" for name in figures.DAYS)}
    around = {"of", "people_n", "asof"}  # a whole beside its part; the size of a group; the day
    assert shown <= counted | days | around


def test_whoever_claims_nothing_says_why() -> None:
    assert CLAIM_NOTHING.isdisjoint(FACTS)
    assert all(of["says"].strip() for of in FACTS.values())
