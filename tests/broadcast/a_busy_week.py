"""A week in which much was done, much was refused and much is late: what an edition has no room for."""

from __future__ import annotations

from broadcast.edition import Commitment, Deed, Week
from broadcast.renderings import Heading

PISHIN = {"en": "Pishin", "ur": "پشین"}
OFFICE = {"en": "Executive Engineer, Public Health Engineering", "ur": "ایگزیکٹو انجینئر، پبلک ہیلتھ انجینئرنگ"}
TEHSILS = tuple(
    {"en": name, "ur": urdu}
    for name, urdu in (
        ("Barshore", "برشور"),
        ("Bostan", "بوستان"),
        ("Huramzai", "ہرمزئی"),
        ("Karezat", "کاریزات"),
        ("Nana Sahib", "نانا صاحب"),
        ("Saranan", "سرانان"),
    )
)
DEEDS = (("water", "repaired"), ("health", "supplied"), ("energy", "repaired"), ("infrastructure", "repaired"))
HEADING = Heading(PISHIN, "2026-11-15", "https://jawab.example.pk/updates/2026-W46?district=pishin")


def _deeds() -> tuple[Deed, ...]:
    told = tuple(
        Deed(f"d{at}{where}", category, outcome, TEHSILS[where], "2026-11-11", OFFICE)
        for at, (category, outcome) in enumerate(DEEDS)
        for where in range(6)
    )
    refused = tuple(Deed(f"r{n}", "water", "cannot_budget", TEHSILS[n], "2026-11-12", OFFICE) for n in range(6))
    one_person = (Deed("s", "security", "staff_sent", TEHSILS[0], "2026-11-12", None),)
    return (*told, *refused, *one_person)


def _promise(name: str, category: str, action: str, where: int, state: str, due: str) -> Commitment:
    on = "2026-11-12" if state in {"kept", "dropped"} else None
    return Commitment(name, f"c{name}", category, action, TEHSILS[where], OFFICE, due, state, on)


def _commitments() -> tuple[Commitment, ...]:
    return (
        *(_promise(f"l{where}", "water", "repaired", where, "open", "2026-11-14") for where in range(3)),
        _promise("l9", "security", "staff_sent", 0, "open", "2026-11-14"),
        _promise("x1", "health", "supplied", 1, "dropped", "2026-11-20"),
        _promise("k1", "energy", "repaired", 2, "kept", "2026-11-20"),
        *(_promise(f"n{where}", "water", "repaired", where, "open", "2026-11-27") for where in range(6)),
        _promise("n9", "water", "repaired", 0, "open", "2026-11-28"),  # the same again
    )


BUSY = Week(
    district=PISHIN,
    first_day="2026-11-09",
    last_day="2026-11-15",
    today="2026-11-19",
    said={
        "water": tuple(f"w{n}" for n in range(31)),
        "health": tuple(f"h{n}" for n in range(12)),
        "energy": tuple(f"e{n}" for n in range(9)),
        "infrastructure": tuple(f"i{n}" for n in range(7)),
        "education": tuple(f"u{n}" for n in range(6)),
        "security": tuple(f"p{n}" for n in range(5)),
        "jobs": tuple(f"j{n}" for n in range(2)),
    },
    deeds=_deeds(),
    done=(*(f"d{at}{where}" for at in range(4) for where in range(6)), "s", "k1", "k2"),
    asked=(*(f"d{at}{where}" for at in range(4) for where in range(6)), "k1"),
    confirmed=tuple(f"d{at}{where}" for at in range(3) for where in range(5))[:14],
    commitments=_commitments(),
)
