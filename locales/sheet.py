"""Review sheets: what a speaker is given to read, and what comes back signed. TSV, one row for each text."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from locales.catalogs import DOMAINS, Entry, read_entries, write_entries
from locales.check import find_faults
from locales.languages import LANGS
from locales.reviews import Review, fingerprint, read_reviews, review_state, write_reviews

COLUMNS = ("key", "english", "urdu", "draft", "in doubt", "corrected", "reviewer", "date")

_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


class Refused(ValueError):
    """A sheet that cannot be taken in. `reasons` has one line for each row at fault; nothing was written."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did: texts signed, and how many of them were also corrected."""

    signed: int
    corrected: int


def export(lang: str, *, drafts_only: bool = True) -> str:
    """The review sheet of one language as TSV: all domains, only drafts unless told otherwise.

    Columns: key, English, Urdu, the text now, what its writer doubts, and three that the speaker fills in: the
    corrected text (empty = good as it is), their name, the day. Refused for a language nobody translates into.
    """
    if lang not in LANGS:
        raise Refused([f"{lang}: not one of {' '.join(LANGS)}"])
    sheet = io.StringIO()
    writer = csv.writer(sheet, dialect="excel-tab", lineterminator="\n")
    writer.writerow(COLUMNS)
    for domain in DOMAINS:
        english, urdu = read_entries("en", domain), read_entries("ur", domain)
        for key, entry in read_entries(lang, domain).items():
            if drafts_only and review_state(key, lang) == "signed":
                continue
            sources = [side[key].text if key in side else "" for side in (english, urdu)]
            writer.writerow([key, *sources, entry.text, " ".join(entry.notes), "", "", ""])
    return sheet.getvalue()


def read_sheet(content: bytes) -> str:
    """The text of a sheet as spreadsheet programs save it: UTF-8, or UTF-16 with its mark. Else Refused."""
    try:
        return content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(["the file is neither UTF-8 nor UTF-16: save it as Unicode text"]) from None


def _refuse(row: dict[str, str], lang: str, domain: str) -> str:
    """Why a filled-in row cannot be taken, or ""."""
    key, text = row["key"], row["corrected"].strip() or row["draft"]
    if not domain:
        return "no such text"
    if not row["reviewer"].strip():
        return "corrected, but nobody signed: write the reviewer's name"
    if not _DAY.fullmatch(row["date"].strip()):
        return "the date must look like 2026-11-21"
    if read_entries(lang, domain)[key].text != row["draft"]:
        return "the text has changed since this sheet was made: read it again"
    english = read_entries("en", domain)
    return "; ".join(find_faults(text, english[key].text if key in english else text, lang, domain))


def take(lang: str, sheet: str) -> Taken:
    """Take a filled-in sheet: corrected texts into the catalogs, signatures into the ledger. All rows or none.

    Rows left alone (no correction, no name) are skipped. Refused with a line for each row that lost a placeholder,
    has no named reviewer or no day, or whose text changed in the meantime.
    """
    # A spreadsheet may give lines inside a cell the ends of its own system.
    lines = io.StringIO(sheet.replace("\r\n", "\n"), newline="")
    rows = list(csv.DictReader(lines, dialect="excel-tab", restval=""))
    if lang not in LANGS or not rows or not set(COLUMNS) <= rows[0].keys():
        raise Refused([f"not a review sheet for one of {' '.join(LANGS)}: columns {', '.join(COLUMNS)}"])
    filled = [row for row in rows if row["corrected"].strip() or row["reviewer"].strip()]
    home = {key: domain for domain in DOMAINS for key in read_entries(lang, domain)}
    reasons = [f"{row['key']}: {why}" for row in filled if (why := _refuse(row, lang, home.get(row["key"], "")))]
    if reasons:
        raise Refused(reasons)
    changed: dict[str, dict[str, Entry]] = {}
    reviews = read_reviews()
    for row in filled:
        key, corrected = row["key"], row["corrected"].strip()
        text = corrected or row["draft"]
        # A signed text is no longer in doubt: its notes go.
        entries = changed.setdefault(home[key], dict(read_entries(lang, home[key])))
        entries[key] = Entry(text)
        reviews.append(Review(lang, key, fingerprint(text), row["reviewer"].strip(), row["date"].strip()))
    for domain, entries in changed.items():
        write_entries(lang, domain, entries)
    write_reviews(reviews)
    return Taken(len(filled), sum(bool(row["corrected"].strip()) for row in filled))
