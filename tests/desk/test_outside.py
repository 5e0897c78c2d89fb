"""Others to ask, at the desk: the admin names them with source and day, and takes them off the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from cases import outside
from store.jawab import Jawab
from tests.desk.conftest import Enter, Hire, One

BODY = {
    "of": "pishin",
    "name_en": "Test line",
    "phone": "10 43",
    "source": "written for a test",
    "read_on": "2026-11-01",
}


async def test_one_is_named_with_its_source_and_taken_off_again(
    enter: Enter, demo: SimpleNamespace, one: One, jawab: Jawab
) -> None:
    admin = await enter("admin")
    assert (await admin.post("/desk/outside", BODY)).status_code == 303
    page = await admin.get("/desk/outside")
    for word in ("Test line", "1043", "written for a test", "2026-11-01"):
        assert word in page.text
    assert "Demo helpline" in page.text
    row = await one("SELECT id FROM outside WHERE phone = '1043'")
    assert (await admin.post(f"/desk/outside/{row['id']}/remove")).status_code == 303
    async with jawab.db.autocommit("console") as conn:
        assert [other.phone for other in await outside.list_all(conn)] == ["0000"]
    written = await one("SELECT count(*) AS n FROM audit WHERE action LIKE 'outside.%%'")
    assert written["n"] == 2


async def test_what_is_none_is_refused_with_a_reason_and_what_was_typed(enter: Enter, demo: SimpleNamespace) -> None:
    admin, ahead = await enter("admin"), (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    for change, why in (
        ({"phone": "call us"}, "3 to 15 digits"),
        ({"name_en": ""}, "names"),
        ({"source": ""}, "source"),
        ({"read_on": ahead}, "lies ahead"),
        ({"phone": "+15005550006"}, "number of ours"),
    ):
        answer = await admin.post("/desk/outside", {**BODY, **change})
        assert answer.status_code == 422, change
        assert why in answer.text
        assert "written for a test" in answer.text or "source" in change


async def test_the_provinces_are_the_provinces_and_another_districts_are_nobodys(
    enter: Enter, demo: SimpleNamespace, hire: Hire, elsewhere: str, one: One
) -> None:
    province, _ = await hire("admin", None)
    whole, own = await enter("admin", province), await enter("admin")
    assert (await whole.post("/desk/outside", {**BODY, "of": ""})).status_code == 303
    row = await one("SELECT id FROM outside WHERE phone = '1043'")
    assert (await own.post(f"/desk/outside/{row['id']}/remove")).status_code == 404
    assert (await own.post("/desk/outside", {**BODY, "of": elsewhere})).status_code == 404
    assert (await own.post("/desk/outside", {**BODY, "of": ""})).status_code == 404
    assert (await (await enter("handler")).get("/desk/outside")).status_code == 404


async def test_the_page_offers_the_desks_own_languages_and_no_citizens(enter: Enter) -> None:
    page = await (await enter("admin")).soup("/desk/outside")
    offered = {str(link["href"]) for link in page.select("header a[href*='lang=']")}
    assert offered == {
        str(link["href"]).replace("/desk/staff", "/desk/outside")
        for link in (await (await enter("admin")).soup("/desk/staff")).select("header a[href*='lang=']")
    }
