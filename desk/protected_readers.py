"""Who reads protected cases, for readers themselves: what they are told of, and whose new key they let in again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cases.lifecycle import Refused
from cases.protected import admitting, notices, reading
from desk import sessions
from store.crypto import fingerprint
from store.database import Tx, fetch_all
from store.jawab import Jawab

REFUSED = ("staff_unknown", "no_key", "not_allowed", "not_vouched", "conflicted", "unreadable")


def who(request: Request) -> UUID:
    """The person that a form is about. Raises `Refused`."""
    try:
        return UUID(request.state.form.get("who", ""))
    except ValueError:
        raise Refused("staff_unknown") from None


async def unlock(tx: Tx, request: Request) -> bytes:
    """The private key of whoever asks. Raises `Refused` where it is not open in this session."""
    private = await sessions.unlock(tx, request.state.token)
    if private is None:
        raise Refused("no_key")
    return private


async def look_around(tx: Tx, staff_id: UUID) -> dict[str, Any]:
    """What a reader's list shows beside the cases: notices, whose new key waits for them, and their own key."""
    again = await admitting.again(tx, staff_id)
    people = await fetch_all(
        tx, "SELECT id, name, login, public_key FROM staff WHERE id = ANY(%s) ORDER BY login", ([*again, staff_id],)
    )
    return {
        "stopped": await reading.list_stopped(tx, staff_id),
        "notices": await notices.unseen(tx, staff_id),
        "again": [(one, len(again[one["id"]])) for one in people if one["id"] in again],
        "print": next(fingerprint(bytes(one["public_key"])) for one in people if one["id"] == staff_id),
    }


def told_of(request: Request) -> str:
    """Why what was asked on the list could not be, as a text key; "" where it could."""
    why = request.query_params.get("no", "")
    return f"refused.{why}" if why in REFUSED else ""


def add_routes(app: FastAPI, jawab: Jawab) -> None:
    """For the door that mounts the protected pages."""

    async def see(request: Request) -> Response:
        """What stood on the page was seen; what came since was not."""
        try:
            until = datetime.fromisoformat(request.state.form.get("until", ""))
        except ValueError:
            raise HTTPException(404) from None
        async with jawab.db.transaction("custody") as tx:
            await notices.see(tx, request.state.staff.id, until)
        return RedirectResponse("/desk/protected", status_code=303)

    async def admit_again(request: Request) -> Response:
        """Let somebody whose key was made anew read what they could read before: all of it, or nothing."""
        me: UUID = request.state.staff.id
        try:
            async with jawab.db.transaction("custody") as tx:
                other, private = who(request), await unlock(tx, request)
                for case_id in (await admitting.again(tx, me)).get(other, ()):
                    await admitting.admit(tx, jawab.keys, case_id, other, staff_id=me, private_key=private)
        except Refused as refused:
            return RedirectResponse(f"/desk/protected?no={refused.reason}", status_code=303)
        return RedirectResponse("/desk/protected?done=admit", status_code=303)

    app.add_route("/desk/protected/notices", see, methods=["POST"])
    app.add_route("/desk/protected/admit", admit_again, methods=["POST"])
