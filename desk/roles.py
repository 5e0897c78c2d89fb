"""Who may open which door of the desk. Deny by default: a route that is not in the table does not exist for anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from cases.roles import ADMIN, APPROVER, EDITOR, HANDLER, PROTECTED, ROLES, SUPERVISOR, TRIAGE, who_may

SECOND = "/desk/login/second"
ANYBODY: frozenset[str] | None = None  # also without a login
SIGNED_IN = frozenset(ROLES)

SECOND_FACTOR = who_may("unseal", "staff")

# (method, route) → roles. HEAD goes with GET.
DOORS: dict[tuple[str, str], frozenset[str] | None] = {
    ("GET", "/desk/login"): ANYBODY,
    ("POST", "/desk/login"): ANYBODY,
    ("GET", SECOND): ANYBODY,
    ("POST", SECOND): ANYBODY,
    ("GET", "/desk"): SIGNED_IN,
    ("POST", "/desk/logout"): SIGNED_IN,
    ("GET", "/desk/queue"): who_may("handle"),
    ("POST", "/desk/find"): who_may("handle"),
    ("GET", "/desk/cases/{case_id:uuid}"): who_may("handle"),
    ("POST", "/desk/cases/{case_id:uuid}/{move}"): who_may("handle"),
    ("POST", "/desk/cases/{case_id:uuid}/letter"): who_may("handle"),
    ("POST", "/desk/cases/{case_id:uuid}/contact"): who_may("supervise"),
    ("GET", "/desk/cases/{case_id:uuid}/media/{media_id:uuid}"): who_may("handle"),
    ("GET", "/desk/cases/{case_id:uuid}/told/{item_id:uuid}"): who_may("handle"),
    ("GET", "/desk/sorting"): who_may("sort"),
    ("GET", "/desk/sorting/{item_id:uuid}/media/{media_id:uuid}"): who_may("sort"),
    ("POST", "/desk/sorting/{item_id:uuid}/contact"): who_may("sort"),
    ("POST", "/desk/sorting/{item_id:uuid}/{move}"): who_may("sort"),
    ("GET", "/desk/dismissed"): who_may("supervise"),
    ("POST", "/desk/seal"): who_may("sort"),
    ("GET", "/desk/seal/{case_id:uuid}"): who_may("handle", "sort"),
    ("POST", "/desk/seal/{case_id:uuid}"): who_may("handle", "sort"),
    ("GET", "/desk/lost"): who_may("handle", "sort"),
    ("POST", "/desk/lost"): who_may("handle", "sort"),
    ("POST", "/desk/lost/{case_id:uuid}"): who_may("handle", "sort"),
    ("GET", "/desk/protected/lost"): who_may("unseal"),
    ("POST", "/desk/protected/lost"): who_may("unseal"),
    ("POST", "/desk/protected/lost/{case_id:uuid}"): who_may("unseal"),
    ("GET", "/desk/protected"): who_may("unseal"),
    ("POST", "/desk/protected/notices"): who_may("unseal"),
    ("POST", "/desk/protected/admit"): who_may("unseal"),
    ("GET", "/desk/protected/proof"): who_may("unseal"),
    ("POST", "/desk/protected/proof"): who_may("unseal"),
    ("GET", "/desk/protected/{case_id:uuid}"): who_may("unseal"),
    ("GET", "/desk/protected/{case_id:uuid}/open/{reason}/media/{item_id:uuid}"): who_may("unseal"),
    ("POST", "/desk/protected/{case_id:uuid}/{move}"): who_may("unseal"),
    ("GET", "/desk/erase/{case_id:uuid}"): who_may("unseal"),
    ("POST", "/desk/erase/{case_id:uuid}/{move}"): who_may("unseal"),
    ("POST", "/desk/protected/agree/{staff_id:uuid}"): who_may("unseal"),
    ("GET", "/desk/editions"): who_may("draft", "approve"),
    ("POST", "/desk/editions"): who_may("draft"),
    ("GET", "/desk/editions/{edition_id:uuid}"): who_may("draft", "approve"),
    ("GET", "/desk/editions/{edition_id:uuid}/{step}"): who_may("draft", "approve"),
    ("POST", "/desk/editions/{edition_id:uuid}/redraft"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/line"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/move"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/drop"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/restore"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/join"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/part"): who_may("draft"),
    ("POST", "/desk/editions/{edition_id:uuid}/approve"): who_may("approve"),
    ("POST", "/desk/editions/{edition_id:uuid}/stop"): who_may("draft", "approve"),
    ("GET", "/desk/record"): who_may("supervise", "staff"),
    ("GET", "/desk/offices"): who_may("staff"),
    ("POST", "/desk/offices/{office_id:uuid}/{move}"): who_may("staff"),
    ("GET", "/desk/outside"): who_may("staff"),
    ("POST", "/desk/outside"): who_may("staff"),
    ("POST", "/desk/outside/{body_id:uuid}/remove"): who_may("staff"),
    ("GET", "/desk/providers"): who_may("staff"),
    ("POST", "/desk/providers"): who_may("staff"),
    ("POST", "/desk/providers/{body_id:uuid}/disable"): who_may("staff"),
    ("GET", "/desk/staff"): who_may("staff"),
    ("POST", "/desk/staff/{staff_id:uuid}/{move}"): who_may("staff"),
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
    ("/desk/dismissed", "nav.dismissed"),
    ("/desk/lost", "nav.lost"),
    ("/desk/protected", "nav.protected"),
    ("/desk/protected/lost", "nav.lost"),
    ("/desk/editions", "nav.editions"),
    ("/desk/offices", "nav.offices"),
    ("/desk/outside", "nav.outside"),
    ("/desk/providers", "nav.providers"),
    ("/desk/staff", "nav.staff"),
    ("/desk/record", "nav.record"),
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

    def may(self, act: str) -> bool:
        """Whether this person's role may do one of the acts of cases.roles."""
        return act in ROLES[self.role]

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


def needs_second_factor(role: str, *, demo: bool) -> bool:
    """Who reads sealed cases or lets others in. Demo people do not: their passwords are printed beside each other."""
    return role in SECOND_FACTOR and not demo
