"""What happened in the weeks of a district, as facts: one row for each (week, case, name of what is counted).

A week that is over stays as it was: what was reopened, disputed, closed or answered anew since is read from the lines
of its history, and counts in the week in which it happened. What is corrected or named later (the subject, the place,
the office, whether they may be messaged) holds for all weeks: no line says what it was before. So does what became of a
message after all, and that the words of a case went behind the protected door, its thread with them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from cases import calendar
from cases.lifecycle import MEETS, OPEN, RESUMES, STOPS
from cases.outcomes import NEVER_DONE, REFUSALS
from store.database import Conn, fetch_all

VERSION = 1  # of what the names mean; the statement's own hash says whether it is the same statement

# What is counted of each case. Those that stood so at a week's end are no sum of what happened in it.
FLOWS = (
    "received", "done", "confirmed", "asked", "answered", "disputed", "half", "silent", "not_asked", "unreached",
    "refused", "accepted", "appealed", "partly", "sent_on", "inspected", "withdrawn",
    "due_72", "in_72", "told_72", "code_72", "due_14", "in_14", "told_14", "code_14",
)  # fmt: skip
STOCKS = ("overdue", "unnamed")
# What is counted of a case in each week in which the verb was said to it.
PLAIN = {
    "accept": "accepted",
    "appeal": "appealed",
    "part": "partly",
    "send_on": "sent_on",
    "inspect": "inspected",
    "withdraw": "withdrawn",
}

_SPOKEN_VERBS = ("open", "resolve", "reopen", "confirm", "dispute", "halve")

# What is known of a case goes along in every row, and no part of this is joined to another by its case: the planner
# cannot know how many rows a part has, and would walk through one for each row of the other.
_REGISTER: LiteralString = """
WITH zone AS (
    SELECT timezone AS tz FROM districts WHERE id = %(district)s
), weeks AS (
    SELECT monday, least(%(now)s, (monday + 7)::timestamp AT TIME ZONE tz) AS after
    FROM zone, unnest(%(mondays)s::date[]) monday
), here AS (
    -- A report counts from when it stands in the register: the triage may send words there that came weeks before.
    SELECT c.id AS case_id, c.category, c.may_message, c.office_id, c.opened_at, o.at AS came, CASE 'tehsil'
        WHEN p.level THEN p.id WHEN p1.level THEN p1.id WHEN p2.level THEN p2.id END AS place
    FROM cases c JOIN case_history o ON o.case_id = c.id AND o.verb = 'open' LEFT JOIN places p ON p.id = c.place_id
    LEFT JOIN places p1 ON p1.id = p.parent_id LEFT JOIN places p2 ON p2.id = p1.parent_id
    WHERE c.district_id = %(district)s AND o.at < %(now)s <<only>>
), lines AS (
    SELECT here.*, h.id, h.at, h.verb, h.outcome, h.became, <<week of h.at>> AS monday
    FROM zone CROSS JOIN here JOIN case_history h USING (case_id) WHERE h.at < %(now)s <<since>>
)
"""
_SAID: LiteralString = """
acts AS (
    -- What was said to each case within each week, as it stood when the week ended.
    SELECT monday, case_id, category, place, may_message IS TRUE AS may_message, bool_or(verb = 'resolve') AS done,
        max(at) FILTER (WHERE verb = 'resolve') AS done_at,
        (array_agg(outcome ORDER BY id DESC) FILTER (WHERE verb = 'resolve'))[1] AS outcome,
        (array_agg(verb ORDER BY id DESC) FILTER (WHERE verb IN ('confirm', 'dispute', 'halve')))[1] AS verdict,
        coalesce((array_agg(verb ORDER BY id DESC) FILTER (WHERE verb IN ('resolve', 'reopen')))[1] = 'reopen', false)
            AS reopened,
        array_agg(verb) AS verbs
    FROM lines WHERE <<within monday>>
    GROUP BY monday, case_id, category, place, may_message
), said AS (
    SELECT *, done AND NOT reopened AND coalesce(outcome <> ALL(%(never_done)s), true) AS stands FROM acts
)
"""
_ASKED: LiteralString = """
asked AS (
    -- Of the deeds that nobody has spoken on: whether the question has left us by the week's end. Where the thread has
    -- no line of it, it is older than such lines, and was sent.
    SELECT monday, said.case_id, category, place,
        count(told.case_id) = 0 OR coalesce(bool_or(told.reached_at < after), false) AS reached
    FROM zone CROSS JOIN said
    CROSS JOIN LATERAL (SELECT least(%(now)s, (monday + 7)::timestamp AT TIME ZONE tz) AS after) week
    LEFT JOIN told_of_cases told
        ON told.case_id = said.case_id AND told.verb = ANY(%(asks)s) AND told.at >= done_at AND told.at < after
        AND NOT told.by_code
    WHERE stands AND may_message AND verdict IS NULL GROUP BY monday, said.case_id, category, place
)
"""
_CLOCKS: LiteralString = """
turns AS (
    -- The clock of the resolution: it runs from the first words on and again after some verbs; others meet it, or stop
    -- it, so that it is neither met nor late.
    SELECT case_id, category, place, opened_at, came, 0::bigint AS id, opened_at AS at, true AS runs, false AS stops,
        due_at, met_at
    FROM here JOIN clocks USING (case_id) WHERE kind = 'resolve'
    UNION ALL
    SELECT case_id, category, place, opened_at, came, id, at, verb = ANY(%(resumes)s), verb = ANY(%(stops)s), NULL, NULL
    FROM lines WHERE verb = ANY(%(resumes)s) OR verb = ANY(%(meets)s) OR verb = ANY(%(stops)s)
), clock AS (
    SELECT case_id, category, place, opened_at, came, id, at, runs, stops, lag(runs) OVER past AS ran,
        lead(at) OVER past AS next_at, max(due_at) OVER whole AS due_at,
        -- A case whose words went behind the door owes nothing from then on, though no line says so.
        max(met_at) OVER whole AS met_at
    FROM turns WINDOW past AS (PARTITION BY case_id ORDER BY id), whole AS (PARTITION BY case_id)
), owed AS (
    SELECT case_id, category, place, came, at AS since, stops, due_at, met_at,
        coalesce(next_at, CASE WHEN runs THEN met_at END, 'infinity') AS until
    FROM clock WHERE runs OR stops
), late AS (
    SELECT case_id, category, place, greatest(since, due_at, came) AS since, until
    FROM owed WHERE until > greatest(since, due_at, came) AND NOT stops
    UNION ALL
    SELECT case_id, category, place, greatest(due_at, came), coalesce(met_at, 'infinity')
    FROM here JOIN clocks USING (case_id) WHERE kind = 'acknowledge' AND coalesce(met_at > greatest(due_at, came), true)
), fell AS (
    -- A clock that fell due, whether it was met then, and since when it ran: what was told before is another answer.
    -- One that ends in the moment it falls due is that of a case which was taken back or went behind the door before,
    -- and no line says that anybody met it.
    SELECT case_id, category, place, '72' AS clock, came, due_at, coalesce(met_at < due_at, false) AS met,
        opened_at AS since, %(reads)s::text[] AS verbs
    FROM here JOIN clocks USING (case_id) WHERE kind = 'acknowledge' AND (met_at IS DISTINCT FROM due_at OR EXISTS (
        SELECT FROM case_history h WHERE h.case_id = here.case_id AND h.at = met_at AND h.verb = ANY(%(reads)s)))
    UNION ALL
    SELECT case_id, category, place, '14', came, due_at, NOT bool_or(since <= due_at AND until >= due_at),
        max(since) FILTER (WHERE since <= due_at), %(meets)s::text[]
    FROM owed WHERE met_at IS DISTINCT FROM due_at OR EXISTS (
        SELECT FROM case_history h WHERE h.case_id = owed.case_id AND h.at = met_at AND h.verb = ANY(%(meets)s))
    GROUP BY case_id, category, place, came, due_at
    HAVING NOT bool_or(stops AND since < due_at AND until >= due_at)
), due AS (
    SELECT <<week of greatest(due_at, came)>> AS monday, case_id, category, place, clock,
        met, coalesce(met AND told, false) AS told,
        coalesce(met AND by_code AND told IS NOT TRUE, false) AS by_code
    FROM zone CROSS JOIN fell CROSS JOIN LATERAL (
        SELECT bool_or(t.reached_at < fell.due_at) AS told, bool_or(t.by_code AND t.at < fell.due_at) AS by_code
        FROM told_of_cases t
        WHERE t.case_id = fell.case_id AND t.verb = ANY(fell.verbs) AND t.at >= fell.since
    ) t
    WHERE due_at < %(now)s AND <<within <<week of greatest(due_at, came)>>>>
), stood AS (
    -- How a case that nobody is named for stood, and until when.
    SELECT case_id, category, place, became, at AS since, coalesce(lead(at) OVER past, 'infinity') AS until
    FROM lines WHERE office_id IS NULL WINDOW past AS (PARTITION BY case_id ORDER BY id)
), stocks AS (
    SELECT case_id, category, place, 'overdue' AS name, since, until FROM late
    UNION ALL SELECT case_id, category, place, 'unnamed', since, until FROM stood WHERE became = ANY(%(open)s)
)
"""
_SPOKEN: LiteralString = """
spoken AS (
    -- What an edition tells of.
    SELECT <<week of came>> AS monday, case_id, category, place, 'received' AS name
    FROM zone, here
    UNION ALL SELECT monday, case_id, category, place, 'done' FROM said WHERE stands
    UNION ALL SELECT monday, case_id, category, place, 'confirmed' FROM said WHERE verdict = 'confirm' AND NOT reopened
    -- Whoever has answered was asked, if only by the page or the code that showed them what was said of their case.
    UNION ALL SELECT monday, case_id, category, place, 'asked' FROM said WHERE verdict IS NOT NULL
    UNION ALL SELECT monday, case_id, category, place, 'asked' FROM asked WHERE reached
)
"""
_FACTS: LiteralString = """
facts AS (
    SELECT monday, case_id, category, place, name FROM spoken
    UNION ALL SELECT monday, case_id, category, place, 'answered' FROM said WHERE verdict IS NOT NULL
    UNION ALL SELECT monday, case_id, category, place, 'disputed' FROM said WHERE verdict IN ('dispute', 'halve')
    UNION ALL SELECT monday, case_id, category, place, 'half' FROM said WHERE verdict = 'halve'  -- of the disputed
    UNION ALL SELECT monday, case_id, category, place, CASE WHEN reached THEN 'silent' ELSE 'unreached' END FROM asked
    UNION ALL SELECT monday, case_id, category, place, 'not_asked' FROM said
    WHERE stands AND verdict IS NULL AND NOT may_message
    UNION ALL SELECT monday, case_id, category, place, 'refused' FROM said
    WHERE done AND NOT reopened AND outcome = ANY(%(refusals)s)
    UNION ALL SELECT monday, case_id, category, place, name
    FROM said JOIN unnest(%(said)s::text[], %(named)s::text[]) AS plain(verb, name) ON verb = ANY(verbs)
    UNION ALL SELECT monday, case_id, category, place, 'due_' || clock FROM due
    UNION ALL SELECT monday, case_id, category, place, 'in_' || clock FROM due WHERE met
    UNION ALL SELECT monday, case_id, category, place, 'told_' || clock FROM due WHERE told
    UNION ALL SELECT monday, case_id, category, place, 'code_' || clock FROM due WHERE by_code
), lasted AS (
    -- How many days after its first words a case was first read, and each time that it was answered.
    SELECT <<week of at>> AS monday, case_id, category, place, 'read' AS name, <<tenths of at - opened_at>> AS tenths
    FROM zone, (SELECT case_id, category, place, opened_at, min(at) AS at FROM lines WHERE verb = ANY(%(reads)s)
        GROUP BY case_id, category, place, opened_at) read
    UNION ALL
    SELECT <<week of at>>, case_id, category, place, 'answer', <<tenths of at - opened_at>>
    FROM zone, clock WHERE NOT runs AND NOT stops AND ran
)
"""
_WITH: LiteralString = f"{_REGISTER}, {_SAID}, {_ASKED}, {_SPOKEN}, {_CLOCKS}, {_FACTS}"
# What stands for <<week of a moment>>: the week that it falls in, in the district's own time; or the one span that ends
# now. Tenths of a day are what is told of how long something took.
_WEEK = r"date_trunc('week', \1 AT TIME ZONE tz)::date"
_SPAN = r"CASE WHEN \1 >= %(first)s THEN %(monday)s::date END"
_TENTHS = r"round((extract(epoch FROM \1) / 8640)::float)::int"
_OF_SOME = "AND c.id = ANY(%(cases)s)"
_THESE = r"\1 = ANY(%(mondays)s)"


def _spell(statement: str, *, moment: str = _WEEK, only: str = "", since: str = "", within: str = _THESE) -> str:
    """One of the statements below: of which moments, `only` which cases, lines `since` when, `within` which weeks."""
    for name, said in (("week of", moment), ("tenths of", _TENTHS), ("within", within)):
        statement = re.sub(rf"<<{name} ([^<>]+(?:>=[^<>]+)?)>>", said, statement)
    return statement.replace("<<only>>", only).replace("<<since>>", since)


_STANDING: LiteralString = """
SELECT DISTINCT monday, case_id, category, place, name
FROM weeks JOIN stocks ON since < after AND until >= after
"""
_IDS: LiteralString = f"""{_WITH}, counted AS (SELECT * FROM facts UNION ALL {_STANDING})
SELECT monday, name, category, place, array_agg(case_id ORDER BY case_id) AS cases
FROM counted WHERE <<within monday>> GROUP BY monday, name, category, place
"""  # noqa: S608 - no value from outside

# The same of what an edition tells, of the cases that were spoken of in its span.
_SPOKEN_IDS: LiteralString = f"""{_REGISTER}, {_SAID}, {_ASKED}, {_SPOKEN}
SELECT monday, name, category, place, array_agg(case_id ORDER BY case_id) AS cases
FROM spoken WHERE <<within monday>> GROUP BY monday, name, category, place
"""  # noqa: S608 - no value from outside
_SPOKEN_OF: LiteralString = """
SELECT DISTINCT c.id FROM case_history h JOIN cases c ON c.id = h.case_id
WHERE c.district_id = %(district)s AND h.verb = ANY(%(spoken)s) AND h.at >= %(first)s AND h.at < %(now)s
"""

_COUNTS: LiteralString = f"""{_WITH}, counted AS (SELECT * FROM facts UNION ALL {_STANDING})
SELECT monday, name, category, place, count(*) AS n FROM counted WHERE <<within monday>>
GROUP BY monday, name, category, place
UNION ALL
SELECT monday, name || ':' || tenths, '', NULL, count(*) FROM lasted WHERE <<within monday>>
GROUP BY monday, name, tenths
UNION ALL
SELECT monday, 'not_complaints', '', NULL, count(*)
FROM weeks CROSS JOIN zone JOIN dismissals d ON d.district_id = %(district)s AND d.at < after
    AND <<week of d.at>> = monday AND coalesce(d.taken_back_at >= after, true)
GROUP BY monday
"""  # noqa: S608 - no value from outside

# What each of some cases adds to which week, whenever that is: of what stood at a week's end the first week at whose
# end it did, and the first at whose end it did not.
_STEPS: LiteralString = f"""{_WITH}, stretches AS (
    SELECT case_id, category, place, name, unnest(range_agg(tstzrange(since, until, '(]'))) AS stretch
    FROM stocks WHERE until > since GROUP BY case_id, category, place, name
), steps AS (
    SELECT monday, case_id, category, place, name, 1 AS n FROM facts
    UNION ALL SELECT monday, case_id, category, place, name || ':' || tenths, 1 FROM lasted
    UNION ALL SELECT <<week of lower(stretch)>>, case_id, category, place, name, 1 FROM zone, stretches
    UNION ALL SELECT <<week of upper(stretch)>>, case_id, category, place, name, -1 FROM zone, stretches
    WHERE upper(stretch) < 'infinity'
)
SELECT case_id, category, coalesce(place, '') AS place, monday, name, sum(n)::int AS n FROM steps
GROUP BY case_id, category, place, monday, name HAVING sum(n) <> 0
"""  # noqa: S608 - no value from outside

_BY_WEEK = _spell(_COUNTS)
_BETWEEN = _spell(_SPOKEN_IDS, moment=_SPAN, only=_OF_SOME, since="AND h.at >= %(first)s")
STEPS = _spell(_STEPS, only=_OF_SOME, within="true")
STEPS_OF_ALL = _spell(_STEPS, within="true")  # of every case of the district
QUERY = hashlib.sha256(f"{VERSION}\n{_BY_WEEK}".encode()).hexdigest()  # what open data were counted with


@dataclass(slots=True)
class Counts:
    """One week, nothing held back yet: how many cases by (name, subject, tehsil or None), and days by what they took.

    `lasted` is {"read" | "answer": {tenths of a day: how many}}.
    """

    monday: date
    cells: dict[tuple[str, str, str | None], int] = field(default_factory=dict)
    lasted: dict[str, dict[int, int]] = field(default_factory=dict)
    not_complaints: int = 0

    def add(self, name: str, category: str, place: str | None, n: int) -> None:
        """One row of what was counted; of names such as "read:35" the number is tenths of a day."""
        called, _, tenths = name.partition(":")
        if tenths:
            took = self.lasted.setdefault(called, {})
            took[int(tenths)] = took.get(int(tenths), 0) + n
        elif name == "not_complaints":
            self.not_complaints += n
        else:
            self.cells[name, category, place] = self.cells.get((name, category, place), 0) + n


async def count(conn: Conn, district_id: str, mondays: Sequence[date], now: datetime) -> list[Counts]:
    """The weeks that begin on these Mondays, in the district's own time; one that still runs up to `now`."""
    weeks = {monday: Counts(monday) for monday in mondays}
    for row in await fetch_all(conn, _BY_WEEK, bind(district_id, mondays, now)):
        weeks[row["monday"]].add(row["name"], row["category"], row["place"], row["n"])
    return list(weeks.values())


async def list_cases(
    conn: Conn, district_id: str, monday: date, now: datetime
) -> dict[tuple[str, str, str | None], list[UUID]]:
    """The cases behind each cell of one week."""
    return _cells(await fetch_all(conn, _spell(_IDS), bind(district_id, [monday], now)))


async def list_between(
    conn: Conn, district_id: str, first: datetime, after: datetime
) -> dict[tuple[str, str, str | None], list[UUID]]:
    """The same of any span [first, after), such as that of an edition which was cut off within its week: what was
    received, done, asked and confirmed in it. It costs what was said in it, whatever the district has had before."""
    day = calendar.day_of(after)  # whichever: the one span is called by it
    bound = bind(district_id, [day], after) | {"first": first, "monday": day, "spoken": list(_SPOKEN_VERBS)}
    cases = [row["id"] for row in await fetch_all(conn, _SPOKEN_OF, bound)]
    return _cells(await fetch_all(conn, _BETWEEN, bound | {"cases": cases}))


def _cells(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str | None], list[UUID]]:
    return {(row["name"], row["category"], row["place"]): row["cases"] for row in rows}


def bind(district_id: str, mondays: Sequence[date], now: datetime | str) -> dict[str, Any]:
    """The values of the statements; `now` may be "infinity"."""
    return {
        "district": district_id,
        "mondays": list(mondays),
        "now": now,
        "open": list(OPEN),
        "reads": [verb for verb, kinds in MEETS.items() if "acknowledge" in kinds],
        "meets": [verb for verb, kinds in MEETS.items() if "resolve" in kinds],
        "resumes": [verb for verb, kinds in RESUMES.items() if "resolve" in kinds],
        "never_done": sorted(NEVER_DONE),
        "refusals": sorted(REFUSALS),
        "stops": sorted(STOPS),
        "asks": ["resolve", "ask", "close"],
        "said": list(PLAIN),
        "named": list(PLAIN.values()),
    }
