"""Who may open which door of the desk. Deny by default: a route that is not in the table does not exist for anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

HANDLER, SUPERVISOR, TRIAGE, PROTECTED = "handler", "supervisor", "triage", "protected"
EDITOR, APPROVER, ADMIN = "editor", "approver", "admin"
ROLES = frozenset({HANDLER, SUPERVISOR, TRIAGE, PROTECTED, EDITOR, APPROVER, ADMIN})

ANYBODY: frozenset[str] | None = None  # also without a login
CASES = frozenset({HANDLER, SUPERVISOR})
SUPERVISORS = frozenset({SUPERVISOR})
EDITIONS = frozenset({EDITOR, APPROVER})

# (method, route) → roles. HEAD goes with GET.
DOORS: dict[tuple[str, str], frozenset[str] | None] = {
    ("GET", "/desk/login"): ANYBODY,
    ("POST", "/desk/login"): ANYBODY,
    ("GET", "/desk"): ROLES,
    ("POST", "/desk/logout"): ROLES,
    ("GET", "/desk/queue"): CASES,
    ("POST", "/desk/find"): CASES,
    ("GET", "/desk/cases/{case_id:uuid}"): CASES,
    ("POST", "/desk/cases/{case_id:uuid}/{move}"): CASES,
    ("POST", "/desk/cases/{case_id:uuid}/contact"): SUPERVISORS,
    ("GET", "/desk/cases/{case_id:uuid}/media/{media_id:uuid}"): CASES,
    ("GET", "/desk/sorting"): frozenset({TRIAGE}),
    ("POST", "/desk/sorting/{item_id:uuid}/queue"): frozenset({TRIAGE}),
    ("POST", "/desk/sorting/{item_id:uuid}/seal"): frozenset({TRIAGE}),
    ("GET", "/desk/protected"): frozenset({PROTECTED}),
    ("GET", "/desk/protected/{case_id:uuid}"): frozenset({PROTECTED}),
    ("POST", "/desk/protected/{case_id:uuid}/{move}"): frozenset({PROTECTED}),
    ("GET", "/desk/editions"): EDITIONS,
    ("POST", "/desk/editions"): frozenset({EDITOR}),
    ("GET", "/desk/editions/{edition_id:uuid}"): EDITIONS,
    ("POST", "/desk/editions/{edition_id:uuid}/redraft"): frozenset({EDITOR}),
    ("POST", "/desk/editions/{edition_id:uuid}/line"): frozenset({EDITOR}),
    ("POST", "/desk/editions/{edition_id:uuid}/approve"): frozenset({APPROVER}),
    ("POST", "/desk/editions/{edition_id:uuid}/stop"): EDITIONS,
    ("GET", "/desk/staff"): frozenset({ADMIN}),
    ("POST", "/desk/staff/{staff_id:uuid}/{move}"): frozenset({ADMIN}),
}

HOMES: dict[str, str] = {
    HANDLER: "/desk/queue",
    SUPERVISOR: "/desk/queue",
    TRIAGE: "/desk/sorting",
    PROTECTED: "/desk/protected",
    EDITOR: "/desk/editions",
    APPROVER: "/desk/editions",
    ADMIN: "/desk/staff",
}
NAV: tuple[tuple[str, str], ...] = (  # address, text key
    ("/desk/queue", "nav.queue"),
    ("/desk/sorting", "nav.sorting"),
    ("/desk/protected", "nav.protected"),
    ("/desk/editions", "nav.editions"),
    ("/desk/staff", "nav.staff"),
)


@dataclass(frozen=True, slots=True)
class Staff:
    """The person behind a request."""

    id: UUID
    login: str
    name: str
    role: str
    district_id: str | None  # null: the province
    timezone: str
    csrf: str
    session: bytes  # SHA-256 of the cookie

    @property
    def nav(self) -> tuple[tuple[str, str], ...]:
        return tuple((path, key) for path, key in NAV if self.role in (DOORS.get(("GET", path)) or ()))

    @property
    def home(self) -> str:
        return HOMES[self.role]

    @property
    def scope(self) -> dict[str, Any]:
        """What every statement about cases is bound to; goes with `within`."""
        return {"district": self.district_id}


def within(staff: Staff, column: str = "district_id") -> sql.Composable:
    """The condition that keeps a statement inside the reader's district; bind `staff.scope`. The province sees all."""
    if staff.district_id is None:
        return sql.SQL("true")
    return sql.SQL("{} = %(district)s").format(sql.Identifier(*column.split(".")))


def admitted(method: str, route: str) -> frozenset[str] | None:
    """The roles that may open this door; `ANYBODY` is None. Raises KeyError where nobody listed it."""
    return DOORS[("GET" if method == "HEAD" else method, route)]
