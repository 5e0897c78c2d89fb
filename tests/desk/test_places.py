"""Desk and custody as two processes: what each serves, whose cookie is good where, and the slot between them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from cases.lifecycle import Refused
from desk import roles, sessions, slot
from desk.slot import Put
from store.database import Database
from tests.conftest import PUBLIC_URL, Owner
from tests.desk.conftest import Enter, House, Office, One, Open
from tests.desk.test_gate import address


@pytest.fixture
def divided() -> bool:
    return True


def at_custody(route: str) -> bool:
    return route.startswith("/desk/protected")


async def test_a_route_asked_at_the_wrong_process_does_not_exist(house: House, enter: Enter) -> None:
    handler, reader = await enter("supervisor"), await enter("protected")
    for method, route in roles.DOORS:
        if route in {"/desk", "/desk/login", "/desk/logout", roles.SECOND}:
            continue
        wrong = handler if at_custody(route) else reader
        asked = wrong.get if method == "GET" else wrong.post
        assert (await asked(address(route))).status_code == 404, (method, route)
    for http in (house.desk, house.custody):
        for path in ("/", "/updates", "/figures", "/in/twilio", "/try"):
            assert (await http.get(path)).status_code == 404, path
    assert (await house.custody.get("/metrics")).status_code == 404
    assert (await house.custody.get("/ready")).json() == (await house.desk.get("/ready")).json() == {"ready": True}


async def test_a_cookie_is_good_at_one_of_them_only(house: House, enter: Enter) -> None:
    reader, handler = await enter("protected"), await enter("handler")
    (token,) = reader.http.cookies.values()
    (other,) = handler.http.cookies.values()
    for name in ("__Host-jawab", "__Host-jawab-custody"):
        for http, path, cookie in (
            (house.desk, "/desk", token),
            (house.custody, "/desk/protected", other),
            (house.custody, "/desk", other),
        ):
            answer = await http.get(path, headers={"Cookie": f"{name}={cookie}"})
            assert answer.headers["location"].startswith("/desk/login"), (name, path)


async def test_each_person_signs_in_at_their_own(house: House, office: Office) -> None:
    for http in (house.desk, house.custody):
        assert f"{PUBLIC_URL}/desk/login" in (await http.get("/desk/login")).text, "each names the other"
    for role, right, wrong in (
        ("protected", house.custody, house.desk),
        ("handler", house.desk, house.custody),
    ):
        login, password = office.logins[role]
        form = {"login": login, "password": password}
        assert (await wrong.post("/desk/login", data=form)).status_code == 401, role
        assert (await right.post("/desk/login", data=form)).status_code == 303, role


async def test_the_desks_role_begins_no_session_at_custody(db: Database, office: Office, owner: Owner) -> None:
    """Whoever has broken into the desk knows no reader's password, and cannot do without."""
    async with db.transaction("console") as tx:
        await sessions.begin(tx, office.staff["protected"], None, datetime.now(UTC))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tx.transaction():
                await tx.execute("UPDATE desk_sessions SET place = 'custody'")
    places = await (await owner.execute("SELECT DISTINCT place FROM desk_sessions")).fetchall()
    assert places == [("desk",)]


async def test_the_slot_takes_nothing_from_who_does_not_know_the_word(
    house: House, opened: Open, enter: Enter, one: One
) -> None:
    case, actor = await opened(), (await enter("handler")).staff_id
    assert actor
    put: Any = house.desk._transport.app.state.slot  # type: ignore[attr-defined] # of httpx's transport
    address = put.__closure__[0].cell_contents
    with pytest.raises(Refused, match="custody_away"):
        await slot.call(address, "another word")(Put(case, actor))
    assert (await one("SELECT count(*) AS n FROM sealed.cases"))["n"] == 0
    with pytest.raises(Refused, match="case_unknown"):
        await put(Put(uuid4(), actor))
    await put(Put(case, actor))
    assert (await one("SELECT count(*) AS n FROM sealed.cases"))["n"] == 1


async def test_where_custody_is_away_the_case_stays_where_it_is(
    house: House, opened: Open, enter: Enter, owner: Owner, one: One
) -> None:
    case, handler = await opened(), await enter("handler")
    await owner.execute("REVOKE INSERT ON sealed.cases FROM jawab_custody")
    answer = await handler.post(f"/desk/seal/{case}")
    assert answer.status_code == 422
    assert "try again in a minute" in answer.text
    kept: dict[str, UUID | None] = await one("SELECT contact_id FROM cases WHERE id = %s", case)
    assert kept["contact_id"] is not None
