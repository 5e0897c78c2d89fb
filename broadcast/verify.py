"""`jawab figures verify`: what an edition has published, counted again from the rows of today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from broadcast import publish, week
from broadcast.edition import Item, Withheld, digest
from cases import counting, districts, figures
from cases.outcomes import REFUSALS
from cases.suppression import FEWEST
from store import terminal
from store.database import Conn, fetch_all
from store.jawab import Jawab

figures_app = typer.Typer(no_args_is_help=True, help="The public numbers, counted again.")


@dataclass(frozen=True, slots=True)
class Checked:
    """One number of an edition: `said` by it, `found` in the rows."""

    line: str  # text key, with its subject
    name: str
    said: int
    found: int

    @property
    def equal(self) -> bool:
        return self.said == self.found


@dataclass(frozen=True, slots=True)
class Report:
    """A week that was checked. `frozen` is whether the items are still those that were approved."""

    district: str
    week: str
    state: str
    frozen: bool
    numbers: list[Checked]
    figures: str  # digest of the week's figures as everybody may read them
    query: str  # hash of the statement they were counted with
    differing: list[str]  # weeks of which pages tell something else than the rows

    @property
    def equal(self) -> bool:
        return self.frozen and not self.differing and all(one.equal for one in self.numbers)


# What each of these cases stood as in a moment: the line before it.
_STOOD = """
SELECT DISTINCT ON (case_id) case_id, became FROM case_history WHERE case_id = ANY(%(cases)s) AND at < %(at)s
ORDER BY case_id, id DESC
"""
# What was last said to be done of each case within the week.
_DONE = """
SELECT DISTINCT ON (h.case_id) h.case_id, c.category, h.outcome FROM case_history h JOIN cases c ON c.id = h.case_id
WHERE c.district_id = %(district)s AND h.verb = 'resolve' AND h.at >= %(first)s AND h.at < %(after)s AND h.at < %(at)s
ORDER BY h.case_id, h.id DESC
"""


async def check(conn: Conn, district_id: str, wanted: str, now: datetime) -> Report:
    """Every number of the week's edition beside the same from the rows. Raises `Withheld` where there is none.

    An edition speaks of the moment in which it was drafted: a deed that was reopened before is not in its numbers.
    """
    week.monday(wanted)
    await week.find_district(conn, district_id)
    edition_id = await publish.find_week(conn, district_id, wanted)
    if edition_id is None:
        raise Withheld(f"{district_id} has no edition for {wanted}")
    held = await publish.find(conn, edition_id)
    at = held.drafted_at
    bound = {"district": district_id, "first": held.from_at, "after": held.until_at, "at": at}
    cells: dict[str, dict[str, set[UUID]]] = defaultdict(lambda: defaultdict(set))
    for (name, category, _), ids in (
        await counting.list_between(conn, district_id, held.from_at, held.until_at)
    ).items():
        cells[name][category] |= set(ids)
    done = await fetch_all(conn, _DONE, bound)
    of = {one for column in cells.values() for ids in column.values() for one in ids} | {row["case_id"] for row in done}
    rows = await fetch_all(conn, _STOOD, {"cases": list(of), "at": at})
    stood = {row["case_id"]: row["became"] for row in rows}
    deeds: dict[tuple[str, str], set[UUID]] = defaultdict(set)
    for row in done:
        if stood[row["case_id"]] in week.ANSWERED:
            deeds[row["category"], row["outcome"]].add(row["case_id"])
    numbers = [one for item in held.items for one in _numbers(item, cells, deeds, stood)]
    kept = {one["week"]: one["digest"] for one in (await figures.published(conn, district_id, now)).weeks}
    public = {one["week"]: one["digest"] for one in (await figures.from_rows(conn, district_id, now)).weeks}
    return Report(
        district=district_id,
        week=wanted,
        state=held.state,
        frozen=digest(held.items) == held.digest,
        numbers=numbers,
        figures=public.get(wanted, ""),
        query=counting.QUERY,
        differing=[name for name, told in public.items() if kept.get(name) != told],
    )


def _numbers(
    item: Item,
    cells: Mapping[str, Mapping[str, set[UUID]]],
    deeds: Mapping[tuple[str, str], set[UUID]],
    stood: Mapping[UUID, str],
) -> list[Checked]:
    """The numbers of one line. What was said is found in all cases of the week; deeds in those behind the line."""
    values, key = item["values"], item["key"]
    category = values.get("category", {}).get("key", "").removeprefix("category.")
    cases = {UUID(one) for one in item["cases"]}
    found: dict[str, int] = {}
    if key == "edition.said.count":
        found["count"] = len(cells["received"][category])
    elif key == "edition.said.other":
        found["count"] = sum(len(ids) for ids in cells["received"].values() if len(ids) < FEWEST)
    elif "count" in values:
        outcome = values["outcome"]["key"].split(".")[1] if "outcome" in values else None
        found["count"] = sum(
            len(cases & ids)
            for (subject, done), ids in deeds.items()
            if category in {"", subject} and (done == outcome if outcome else done in REFUSALS)
        )
    for name in ("done", "asked", "confirmed"):  # an edition speaks of what still stands
        found[name] = sum(stood.get(one) in week.ANSWERED for ids in cells[name].values() for one in ids)
    line = f"{key} {category}".strip()
    return [Checked(line, name, values[name], count) for name, count in found.items() if type(values.get(name)) is int]


@figures_app.command("verify")
def verify(
    context: typer.Context,
    wanted: Annotated[str, typer.Argument(metavar="WEEK", help="Such as 2026-W47.")],
    district: Annotated[str, typer.Option(help="Its id; may be left out where one district is served.")] = "",
    as_json: terminal.AsJson = False,
) -> None:
    """Count a week's edition again from the rows. One line for each number that differs, and exit 1 if any does.

    Every number that the edition has published is counted anew from the cases' history, as of the moment in which it
    was drafted, and its items are held against the digest that was approved. Every week of the figures is counted from
    the rows as well, and held against what the pages tell of it.
    """

    async def look(jawab: Jawab) -> Report:
        async with jawab.db.autocommit("console") as conn:
            served = [one.id for one in await districts.list_all(conn)]
            if not district and len(served) != 1:
                raise Withheld(f"say which district: --district {' | '.join(served)}")
            return await check(conn, district or served[0], wanted, datetime.now(UTC))

    found = terminal.run(context, look, Withheld)
    if as_json:
        terminal.show_json(asdict(found) | {"equal": found.equal})
    else:
        _tell(found)
    raise typer.Exit(0 if found.equal else 1)


def _tell(found: Report) -> None:
    if not found.frozen:
        terminal.out.print(f"{found.week}: the items are not those of the digest that stands beside them")
    if found.differing:
        weeks = ", ".join(found.differing)
        terminal.out.print(f"the pages tell other figures than the rows of {weeks}", soft_wrap=True)
    differing: Sequence[Checked] = [one for one in found.numbers if not one.equal]
    for one in differing:
        terminal.out.print(
            f"{found.week}: {one.line}: {one.name} {one.said} published, {one.found} in the rows", soft_wrap=True
        )
    if found.equal:
        terminal.out.print(f"{found.week}: {len(found.numbers)} numbers, all as in the rows ({found.state})")
    terminal.out.print(f"figures {found.figures or '(the week is not over)'}\nquery   {found.query}", soft_wrap=True)
