"""Signatures and the sheets they come on."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from locales import review_state, say
from locales.catalogs import Entry, read_entries, write_entries
from locales.check import check, stale_reviews
from locales.commands import app
from locales.reviews import Review, count_states, fingerprint, read_reviews, write_reviews
from locales.sheet import COLUMNS, Refused, export, read_sheet, take


def fill(sheet: str, **cells: dict[str, str]) -> str:
    """The sheet with some rows filled in by a speaker; `_` in a name stands for the dot of a key."""
    rows = list(csv.DictReader(io.StringIO(sheet), dialect="excel-tab"))
    for row in rows:
        row.update(cells.get(row["key"].replace(".", "_"), {}))
    told = io.StringIO()
    writer = csv.DictWriter(told, COLUMNS, dialect="excel-tab", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return told.getvalue()


SIGNED = {"reviewer": "A. Speaker (demo)", "date": "2026-11-21"}


def test_every_text_is_a_draft_until_somebody_signed_that_very_text(shelf: Path) -> None:
    assert review_state("yes", "ur") == "draft"
    write_reviews([Review("ur", "yes", fingerprint("ہاں"), "A. Speaker (demo)", "2026-11-21")])
    assert review_state("yes", "ur") == "signed"
    assert review_state("yes", "brh") == "draft"
    assert review_state("yes", "en") == "signed"
    write_entries("ur", "messages", {"yes": Entry("جی")})
    assert review_state("yes", "ur") == "draft"
    assert stale_reviews() == [("ur", "yes")]


def test_drafts_are_counted_by_language_and_domain(shelf: Path) -> None:
    assert count_states()["ur"]["messages"] == {"texts": 2, "signed": 0, "draft": 2}
    assert count_states()["brh"]["messages"] == {"texts": 1, "signed": 0, "draft": 1}
    assert "en" not in count_states()


def test_a_sheet_gives_the_speaker_english_urdu_draft_and_doubts(shelf: Path) -> None:
    rows = list(csv.reader(io.StringIO(export("ur")), dialect="excel-tab"))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == [
        "case.code",
        "Your number is {code}. Keep it.",
        "{code}\nیہ آپ کا نمبر ہے",
        "{code}\nیہ آپ کا نمبر ہے",
        "keep short",
        "",
        "",
        "",
    ]


def test_a_signed_sheet_changes_texts_and_signs_them(shelf: Path) -> None:
    taken = take("ur", fill(export("ur"), yes=SIGNED, case_code={**SIGNED, "corrected": "{code} آپ کا نمبر"}))
    assert (taken.signed, taken.corrected) == (2, 1)
    assert say("case.code", "ur", code="7") == "7 آپ کا نمبر"
    assert review_state("case.code", "ur") == review_state("yes", "ur") == "signed"
    assert read_entries("ur", "messages")["case.code"].notes == ()
    assert [review.key for review in read_reviews()] == ["case.code", "yes"]
    assert export("ur").count("\n") == 1
    assert export("ur", drafts_only=False).count("yes") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_sheet_is_read_as_spreadsheet_programs_save_it(shelf: Path, encoding: str) -> None:
    saved = fill(export("ur"), case_code=SIGNED).replace("\n", "\r\n").encode(encoding)
    assert take("ur", read_sheet(saved)).signed == 1
    assert say("case.code", "ur", code="7") == "7\nیہ آپ کا نمبر ہے"


def test_a_sheet_in_an_old_code_page_is_refused() -> None:
    with pytest.raises(Refused, match="Unicode"):
        read_sheet("key\tہاں".encode("cp1256"))


def test_an_untouched_sheet_signs_nothing(shelf: Path) -> None:
    assert take("ur", export("ur")).signed == 0
    assert read_reviews() == []


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"corrected": "نمبر"} | SIGNED, "lost placeholder {code}"),
        ({"corrected": "{code} نمبر", "date": "2026-11-21"}, "nobody signed"),
        ({"reviewer": "A. Speaker (demo)"}, "the date must look like"),
        (SIGNED | {"date": "21-11-2026"}, "the date must look like"),
        (SIGNED | {"draft": "an older text {code}"}, "has changed since"),
        (SIGNED | {"corrected": "{code} “نمبر”"}, "not on every phone"),
    ],
)
def test_a_sheet_with_one_bad_row_is_refused_whole(shelf: Path, cells: dict[str, str], why: str) -> None:
    before = export("ur")
    with pytest.raises(Refused, match=r"case\.code") as refused:
        take("ur", fill(before, yes=SIGNED, case_code=cells))
    assert why in str(refused.value)
    assert export("ur") == before
    assert read_reviews() == []


def test_a_signature_for_a_text_that_is_not_there_is_refused_and_found(shelf: Path) -> None:
    with pytest.raises(Refused, match="no such text"):
        take("ur", fill(export("ur"), yes=SIGNED).replace("yes", "no"))
    write_reviews([Review("ur", "gone", "0" * 16, "A. Speaker (demo)", "2026-11-21")])
    assert any(finding.problem.startswith("signed, but") for finding in check())


@pytest.mark.parametrize(("lang", "sheet"), [("en", "key\n"), ("ur", "key\tenglish\nyes\tYes\n"), ("ur", "")])
def test_what_is_no_sheet_is_refused(shelf: Path, lang: str, sheet: str) -> None:
    with pytest.raises(Refused):
        take(lang, sheet)


def test_a_ledger_of_another_shape_is_refused(shelf: Path) -> None:
    (shelf / "reviews.tsv").write_text("lang\tkey\n", "utf-8")
    with pytest.raises(ValueError, match="columns"):
        read_reviews()


def test_the_commands_check_give_and_take_sheets(shelf: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    checked = run(app, ["check", "--json"])
    told = json.loads(checked.stdout)
    assert checked.exit_code == 1
    assert told["languages"]["ur"]["messages"]["draft"] == 2
    assert {"lang": "bal", "domain": "messages", "key": "yes", "problem": "missing"} in told["findings"]
    assert "findings" in run(app, ["check"]).stdout
    file = tmp_path / "ur.tsv"
    assert run(app, ["sheet", "ur", "--out", str(file)]).exit_code == 0
    file.write_text(fill(file.read_text("utf-8-sig"), yes=SIGNED), "utf-8-sig")
    assert "1 texts signed" in run(app, ["import", "ur", str(file)]).stdout
    file.write_text(fill(export("ur"), case_code={"corrected": "{code}"}), "utf-8")
    refused = run(app, ["import", "ur", str(file)])
    assert refused.exit_code == 1
    assert "nobody signed" in refused.stderr
    assert run(app, ["sheet", "en"]).exit_code == 2
