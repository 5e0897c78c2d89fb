"""People at the desk: made on the command line, seen and signed out by the admin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from desk import commands
from store.crypto import check_password, unlock_private
from store.database import Database
from tests.desk.conftest import Browser, Enter, Hire, Office, One, Open


async def test_somebody_added_signs_in_and_a_new_password_signs_out(
    db: Database, demo: SimpleNamespace, stranger: Browser, one: One
) -> None:
    made = await commands.add_staff(db, login="gul.bano", name="Gul Bano", role="handler", district="pishin")
    assert len(made["password"]) >= 20
    answer = await stranger.http.post("/desk/login", data={"login": "gul.bano", "password": made["password"]})
    assert answer.status_code == 303
    renewed = await commands.reset_password(db, "gul.bano")
    assert renewed["password"] != made["password"]
    assert renewed["shut"] is False
    assert (await stranger.get("/desk/queue")).status_code == 303
    row = await one("SELECT password_hash, name FROM staff WHERE login = 'gul.bano'")
    assert check_password(row["password_hash"], renewed["password"])
    assert row["name"] == "Gul Bano"
    assert {"login": "gul.bano", "role": "handler"}.items() <= next(
        one for one in await commands.list_staff(db) if one["login"] == "gul.bano"
    ).items()


async def test_a_protected_handler_gets_a_new_pair_with_a_new_password(
    db: Database, demo: SimpleNamespace, one: One
) -> None:
    await commands.add_staff(db, login="reader", name="Reader", role="protected", password="a long enough pass phrase")
    first = await one("SELECT public_key, private_box, key_salt FROM staff WHERE login = 'reader'")
    assert len(unlock_private(first["private_box"], "a long enough pass phrase", bytes(first["key_salt"]))) == 32
    renewed = await commands.reset_password(db, "reader")
    second = await one("SELECT public_key FROM staff WHERE login = 'reader'")
    assert renewed["shut"] is True
    assert bytes(first["public_key"]) != bytes(second["public_key"])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"role": "king"}, "no such role"),
        ({"district": None}, "needs a district"),
        ({"district": "nowhere"}, "no such district"),
        ({"login": "Not A Login"}, "a login is"),
        ({"login": "demo-handler"}, "is taken"),
        ({"password": "short"}, "at least 15"),
        ({"password": "aaaaaaaaaaaaaaaaaaaa"}, "guessed first"),
        ({"login": "gulbano", "password": "gulbano-gulbano-2026"}, "guessed first"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_line(db: Database, demo: SimpleNamespace, given: Any, why: str) -> None:
    given = {"login": "gulbano", "name": "Gul Bano", "role": "handler", "district": "pishin", **given}
    with pytest.raises(commands.Unacceptable, match=why) as refused:
        await commands.add_staff(db, **given)
    assert "\n" not in str(refused.value)


async def test_an_admin_shuts_people_out_but_not_himself_and_no_protected_handler(
    enter: Enter, office: Office, one: One, hire: Hire, elsewhere: str
) -> None:
    admin, handler = await enter("admin"), await enter("handler")
    assert (await admin.post(f"/desk/staff/{handler.staff_id}/signout")).status_code == 303
    assert (await handler.get("/desk/queue")).status_code == 303
    assert (await admin.post(f"/desk/staff/{handler.staff_id}/disable")).status_code == 303
    assert (await one("SELECT disabled_at FROM staff WHERE id = %s", handler.staff_id))["disabled_at"] is not None
    assert "may not sign in" in (await admin.get("/desk/staff")).text
    assert (await admin.post(f"/desk/staff/{handler.staff_id}/enable")).status_code == 303
    assert (await one("SELECT disabled_at FROM staff WHERE id = %s", handler.staff_id))["disabled_at"] is None
    stranger, _ = await hire("handler", elsewhere)
    for other in (admin.staff_id, office.staff["protected"], stranger):
        assert (await admin.post(f"/desk/staff/{other}/disable")).status_code == 404
    assert (await admin.post(f"/desk/staff/{handler.staff_id}/promote")).status_code == 404


async def test_a_protected_handlers_access_is_taken_away_by_command(
    db: Database, demo: SimpleNamespace, one: One
) -> None:
    assert await commands.shut_staff(db, "demo-protected-1", shut=True) == 1
    assert (await one("SELECT disabled_at FROM staff WHERE login = 'demo-protected-1'"))["disabled_at"] is not None
    assert await commands.shut_staff(db, "demo-protected-1", shut=False) == 1
    with pytest.raises(commands.Unacceptable, match="no such login"):
        await commands.shut_staff(db, "nobody", shut=True)


async def test_an_admin_of_the_province_leaves_two_who_read(
    db: Database, enter: Enter, hire: Hire, office: Office, one: One
) -> None:
    staff_id, _ = await hire("admin", None)
    admin, reader = await enter("admin", staff_id), office.staff["protected"]
    answer = await admin.post(f"/desk/staff/{reader}/disable")
    assert "Fewer than two" in (await admin.get(answer.headers["location"])).text
    answer = await admin.post(f"/desk/staff/{reader}/signout")
    assert "cannot be done here" in (await admin.get(answer.headers["location"])).text
    await commands.add_staff(db, login="third", name="Third", role="protected")
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET demo = true WHERE login = 'third'")
    assert (await admin.post(f"/desk/staff/{reader}/disable")).headers["location"] == "/desk/staff"
    assert (await one("SELECT disabled_at FROM staff WHERE id = %s", reader))["disabled_at"] is not None


async def test_nobody_takes_a_case_about_their_own_office(
    enter: Enter, opened: Open, db: Database, one: One, demo: SimpleNamespace
) -> None:
    admin, handler = await enter("admin"), await enter("handler")
    water = await one("SELECT id FROM offices WHERE department = 'water' AND district_id = 'pishin'")
    answer = await admin.post(f"/desk/staff/{handler.staff_id}/seat", {"office": str(water["id"])})
    assert answer.status_code == 303
    assert "Executive Engineer" in (await admin.get("/desk/staff")).text
    about, other = await opened(category="water"), await opened(category="health")
    for move, form in (("assign", {"to": str(handler.staff_id)}), ("start", {})):
        refused = await handler.post(f"/desk/cases/{about}/{move}", form)
        assert refused.status_code == 422
        assert "about the office where this person sits" in refused.text
        assert (await handler.post(f"/desk/cases/{other}/{move}", form)).status_code == 303
    await commands.seat_staff(db, "demo-handler", None)
    assert (await handler.post(f"/desk/cases/{about}/assign", {"to": str(handler.staff_id)})).status_code == 303
    with pytest.raises(commands.Unacceptable, match="no such office"):
        await commands.seat_staff(db, "demo-handler", "nowhere")
    assert (await admin.post(f"/desk/staff/{handler.staff_id}/seat", {"office": "x"})).status_code == 404
