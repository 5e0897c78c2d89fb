"""Every text the desk asks for is there, in English and in Urdu, and every text that is there is asked for."""

from __future__ import annotations

import ast
import re
import uuid
from dataclasses import fields
from pathlib import Path
from typing import get_args

import locales
from cases import cards, lifecycle, office_lines, outcomes, providers, sorters, telling, ways
from cases.acts.withdraw import WHY
from cases.protected import acting, reading, referring
from cases.roles import ROLES
from desk import acts, case, decisions, protected_acts, record, sealed_item, sorting, told
from flows.categories import CATEGORIES
from flows.load import load_book
from flows.model import Details
from locales.catalogs import read_entries
from locales.channels import CHANNELS

ROOM = Path(case.__file__).parent
MINE = [
    *sorted((ROOM / "templates" / "desk").glob("*.html")),
    *sorted((ROOM / "templates" / "office").glob("*.html")),
    *sorted((ROOM.parent / "pages" / "templates").glob("*.html")),
]

# key prefix in a template (`t('role.' ~ …)`) → what may follow
TAILS: dict[str, list[str]] = {
    "letter.language.": ["ur", "en"],
    "hour.": ["morning", "noon", "evening"],
    "role.": sorted(ROLES),
    "status.": list(lifecycle.STATUSES),
    "category.": list(CATEGORIES),
    "outcome.": [one for category in CATEGORIES for one in (*outcomes.promised(category), *outcomes.REFUSALS)],
    "promise.": [one for category in CATEGORIES for one in outcomes.promised(category)],
    "promise_state.": ["open", "kept", "confirmed", "dropped"],
    "decision.": [*outcomes.DECISIONS, "withdrawn"],
    "dropped.": [*outcomes.DROPPED, "withdrawn"],
    "wish.": list(WHY),
    "closed_as.": ["confirmed", "silent", "not_asked"],
    "channel.": list(CHANNELS),
    "clock.": ["acknowledge", "resolve"],
    "done.": list(acts.ACTS),
    "verb.": sorted({verb for _, verb in lifecycle.MOVES} | {"open", "commit", "call", "file", "renumber"}),
    "contact.": list(case.REVEALS),
    "thread.": ["note", "location", "safe_word"],
    "sent.": [*told.ON_ITS_WAY, "sent", "delivered", "read", "noticed", *told.BAD, "none"],
    "try.": [word for word in told.BAD if not word.startswith("unreached")],
    "told.": [*get_args(telling.Fate), "late"],
    "way.": list(ways.KINDS),
    "referral.": ["written", "unreached", "told", "seen", "answered", "silent"],
    "referral_kind.": ["refer", "remind", "escalate"],
    "office_kind.": ["refer", "remind", "escalate"],
    "office_line.": list(office_lines.KINDS),
    "office_do.": [kind for kind in office_lines.KINDS if kind != "acknowledge"],
    "office_done.": ["kept", "late"],
    "sorting.done.": list(sorting.DONE),
    "sorting.will.": list(decisions.DO),
    "sorting.state.": list(sorters.STATES),
    "sorting.intro.": list(sorters.STATES),
    "sorting.empty.": list(sorters.STATES),
    "caller.": list(cards.CALLERS),
    "phrase.": list(cards.PHRASES),
    "file.": ["photo", "voice", "file"],
    "file.fault.": ["gone", "kind", "size", "unreachable"],
    "sealed.about.": ["service", "person"],
    "protected.done.": list(protected_acts.ACTS),
    "protected.reason.": list(reading.REASONS),
    "record.kind.": list(record.KINDS),
    "notice.": ["new_key", "other_key", "admitted", "escrow", "gone"],
    "sealed_status.": ["received", "seen", "in_progress", "disputed", "closed"],
    "sealed.found.": list(acting.FOUND),
    "sealed.heard.": list(acting.HEARD),
    "protected.kind.": ["note", "plan", "closing"],
    "provider.": list(providers.KINDS),
    "helping.state.": ["referred", *(became for became, _ in referring.STEPS.values())],
    "helping.step.": ["refer", *referring.STEPS],
    "consent.who.": list(referring.WHO),
    "consent.how.": list(referring.HOW),
    "sealed.field.": sorted(sealed_item.NAMED),
}

# What is written into the audit has the shape of a text key and is none.
AUDITED = {"protected.list", "protected.ask_close", "protected.pin_escrow"}


def asked() -> set[str]:
    """Keys in templates, whole or by prefix and tail, and in the room's Python."""
    keys: set[str] = set()
    for file in MINE:
        text = file.read_text()
        whole = re.findall(r"'([a-z_]+(?:\.[a-z_0-9]+)+)'", text)
        keys |= {key for key in whole if not key.endswith((".html", ".css", ".js", ".svg"))}
        for prefix, short in re.findall(r"'([a-z_]+(?:\.[a-z_]+)*\.)' ~ [a-z_.]+(?: ~ '(\.short)')?", text):
            assert prefix in TAILS, f"{file.name}: the test does not know what follows {prefix!r}"
            keys |= {f"{prefix}{tail}{short}" for tail in TAILS[prefix]}
    for file in ROOM.glob("*.py"):
        if file.name == "editions.py":
            continue
        keys |= {
            node.value
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"(nav|login|find|error|sealed|sorting|protected)\.[a-z_.0-9]*[a-z0-9]", node.value)
        }
    return keys - AUDITED - {"error.html"}


def test_every_text_the_desk_asks_for_exists_in_english_and_urdu() -> None:
    here = {
        lang: {key for domain in ("desk", "public", "messages") for key in read_entries(lang, domain)}
        for lang in ("en", "ur")
    }
    for lang, keys in here.items():
        assert asked() - keys == set(), lang


def test_every_reason_for_refusing_is_said_in_plain_words() -> None:
    reasons = set()
    for folder in ("cases", "cases/acts", "cases/protected", "desk"):
        for file in (ROOM.parent / folder).glob("*.py"):
            if file.name not in {"seed.py", "commands.py", "scorecards.py", "figures.py", "editions.py", "staff.py"}:
                reasons |= set(re.findall(r'Refused\("([a-z_]+)"\)', file.read_text()))
    assert reasons
    assert {f"refused.{reason}" for reason in reasons} - set(read_entries("en", "desk")) == {"refused.district_unknown"}


def test_every_answer_of_a_report_has_a_name_on_the_sealed_page() -> None:
    assert {field.name for field in fields(Details)} <= sealed_item.NAMED


def test_every_option_that_is_only_sealed_is_told_in_the_words_that_were_chosen() -> None:
    only_sealed = [
        option for node in load_book().nodes.values() if node.sealed and not node.save for option in node.options
    ]
    assert only_sealed
    for option in only_sealed:
        shown = sealed_item.lay_out(uuid.uuid4(), "more", None, {"about": option.id}, {})
        assert shown.facts == [sealed_item.Fact("chosen", key=option.text)]


def test_clocks_are_said_in_whole_words() -> None:
    from datetime import UTC, datetime, timedelta

    from desk import time_left

    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for hours, words in (
        (0.5, "less than an hour left"),
        (1.5, "1 hour left"),
        (30, "30 hours left"),
        (49, "2 days left"),
        (-0.5, "just late"),
        (-1.2, "1 hour late"),
        (-47, "47 hours late"),
        (-50, "2 days late"),
    ):
        found = time_left.tell("acknowledge", now + timedelta(hours=hours), now)
        assert locales.say(found.key, "en", n=found.n) == words
        assert found.late == (hours < 0)
