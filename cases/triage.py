"""Which office a case belongs to, and who must not handle it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Custodian:
    """Somebody who could read a sealed case: where they sit. `district` None is the province."""

    id: UUID
    district: str | None
    office: UUID | None


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Which office answers for a category in a place; `place_id` None: everywhere, `office_id` None: nobody named."""

    category: str
    place_id: str | None
    office_id: UUID | None


def route(category: str, places: Sequence[str], rows: Iterable[Responsibility]) -> UUID | None:
    """The office responsible for a category at a place; None = nobody has been named yet.

    `places` is the place and what it lies in, nearest first. The nearest place that has a row decides, even when its
    row says that nobody is named: a wider rule may be meant for others.
    """
    named = {row.place_id: row.office_id for row in rows if row.category == category}
    return next((named[place] for place in (*places, None) if place in named), None)


def line_of(office: UUID | None, above: Mapping[UUID, UUID | None]) -> tuple[UUID, ...]:
    """An office and every office above it, nearest first. A ring in the data ends the line."""
    line: list[UUID] = []
    while office is not None and office not in line:
        line.append(office)
        office = above.get(office)
    return tuple(line)


def is_conflicted(office: UUID | None, accused: Collection[UUID], above: Mapping[UUID, UUID | None]) -> bool:
    """True for somebody of an accused office, of one above it, or of one that an accused office commands."""
    if office is None:
        return False
    over = {one for each in accused for one in line_of(each, above)}
    return office in over or any(each in line_of(office, above) for each in accused)


def readers(
    custodians: Iterable[Custodian],
    district: str,
    accused: Collection[UUID],
    above: Mapping[UUID, UUID | None],
) -> tuple[UUID, ...]:
    """Who may be given a sealed case of this district.

    Nobody of the same district; nobody of an accused office or its line of command. Where it is not known who is
    accused (`accused` is empty), the province alone.
    """
    return tuple(
        one.id
        for one in custodians
        if one.district != district
        and (accused or one.district is None)
        and not is_conflicted(one.office, accused, above)
    )
