"""The roles at the desk and what each may do: the one list. Pure.

The table `staff` repeats the names and who may sit in the province in two CHECKs; a test compares them with this.
"""

from __future__ import annotations

HANDLER, SUPERVISOR, TRIAGE, PROTECTED = "handler", "supervisor", "triage", "protected"
EDITOR, APPROVER, ADMIN = "editor", "approver", "admin"

# handle: work on ordinary cases · supervise: what a second person does there · sort: kept first messages ·
# unseal: sealed cases · draft, approve: editions · staff: who may sign in · province: may belong to no district
ROLES: dict[str, frozenset[str]] = {
    HANDLER: frozenset({"handle"}),
    SUPERVISOR: frozenset({"handle", "supervise", "province"}),
    TRIAGE: frozenset({"sort", "province"}),
    PROTECTED: frozenset({"unseal", "province"}),
    EDITOR: frozenset({"draft"}),
    APPROVER: frozenset({"approve"}),
    ADMIN: frozenset({"staff", "province"}),
}


def who_may(*acts: str) -> frozenset[str]:
    """The roles that may do one of these. ValueError for an act that no role has."""
    for act in acts:
        if not any(act in may for may in ROLES.values()):
            raise ValueError(f"no role may {act!r}")
    return frozenset(role for role, may in ROLES.items() if may & set(acts))
