"""What a child is handed: what it works with, and nothing that belongs to another."""

from __future__ import annotations

from pathlib import Path

import pytest

import handing
import processes
from settings import Settings, parts_of
from store import handed
from store.crypto import Keys
from store.database import ROLES, SPEAKERS

OWNER = "the-owners-own"
GIVEN = {
    "twilio_account_sid": "AC" + "a" * 32,
    "twilio_auth_token": "a1b2c3d4e5f6a7b8c9d0twilio-qanari",
    "telegram_token": "1:a1b2c3d4e5f6a7b8c9d0-telegram-qanari",
    "telegram_secret": "a1b2c3d4e5f6a7b8c9d0hook-qanari",
    "smtp_host": "mail.example.pk",
    "smtp_from": "a@example.pk",
    "smtp_user": "somebody",
    "smtp_password": "a1b2c3d4e5f6a7b8c9d0mail-qanari",
}
LOGINS = {
    "citizen": {"intake", "report"},
    "desk": {"console"},
    "custody": {"custody", "custody_clock"},
    "replies": {"intake"},
    "broadcasts": {"intake", "clock"},
    "chores": {"intake"},
    "tick": {"intake", "clock"},
}
NEEDED: dict[str, set[str]] = {
    "citizen": {"twilio", "telegram", "hook"},
    "desk": set(),
    "custody": set(),
    "replies": {"twilio", "telegram", "hook"},
    "broadcasts": {"twilio", "telegram", "hook"},
    "chores": {"twilio", "telegram", "hook"},
    "tick": {"twilio", "telegram", "hook", "mail"},
}


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    place = f"postgresql://jawab_owner:{OWNER}@/jawab?host=/s"
    settings = Settings.model_validate({**GIVEN, "mode": "live", "data": tmp_path, "database_url": place})
    Keys.create(settings.key_file)
    Keys.give_passwords(settings.key_file, ROLES + SPEAKERS)
    return settings


def ports(settings: Settings) -> dict[str, int]:
    return {part: settings.port_of(part) for part in parts_of(settings)}


@pytest.mark.parametrize("name", NEEDED)
def test_a_process_is_handed_its_own_and_no_other(here: Settings, name: str) -> None:
    with processes.slot() as slot:
        children = processes.table(ports(here), slot)
        assert {handing.role_of(child) for child in children} == set(NEEDED)
        shares = handing.hand_out(here, children, slot)
        told = {shares[child.name] for child in children if handing.role_of(child) == name}
        (text,) = told  # two that serve the same are handed the same
        knows_the_slot = slot.word.encode() in text
    assert knows_the_slot == (name in {"desk", "custody"})
    keys = Keys.load(here.key_file)
    for role in ROLES + SPEAKERS:
        assert (keys.role_password(role).encode() in text) == (role in LOGINS[name]), role
    for word in ("twilio", "telegram", "hook", "mail"):
        assert (f"{word}-qanari".encode() in text) == (word in NEEDED[name]), word
    assert OWNER.encode() not in text
    given = handed.read(text)
    assert given.keys is not None
    assert given.keys.masters == keys.masters
    private = given.keys.find_escrow_private()
    assert private == here.key_file.with_name("escrow.key"), "that it lies there is seen without its being read"
    private.unlink()
    assert given.keys.find_escrow_private() is None
    assert given.settings.database_url == "postgresql:///jawab?host=%2Fs"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgresql://o:p@db:5432/jawab", "postgresql://db:5432/jawab"),
        ("postgresql://o:p@one:1,two:2/j?sslmode=require", "postgresql://one:1,two:2/j?sslmode=require"),
        ("postgresql:///j?user=o&password=p&host=%2Fs", "postgresql:///j?host=%2Fs"),
        ("postgresql://here/j", "postgresql://here/j"),
    ],
)
def test_an_address_without_anybodys_name(given: str, kept: str) -> None:
    assert handed.without_login(given) == kept


@pytest.mark.parametrize("mode", ["live", "demo"])
def test_the_names_of_processes_fit_where_they_are_looked_for(here: Settings, mode: str) -> None:
    with processes.slot() as slot:
        names = [child.name for child in processes.table(ports(here.model_copy(update={"mode": mode})), slot)]
    webs = ["web-1", "web-2"] if mode == "demo" else ["citizen-1", "citizen-2", "desk", "custody"]
    assert names == [*webs, "replies", "broadcasts", "chores", "tick"]
    assert all(len(name) <= 15 for name in names)


def test_a_role_without_a_password_is_told_in_one_line(here: Settings) -> None:
    file = here.key_file.with_name("jawab_custody.password")
    before = Keys.load(here.key_file)
    file.unlink()
    with pytest.raises(ValueError, match=r"jawab_custody\.password is not there"):
        Keys.load(here.key_file).role_password("custody")
    again = Keys.give_passwords(here.key_file, ROLES)
    assert again.role_password("custody") != before.role_password("custody")
    assert again.role_password("intake") == before.role_password("intake")
    assert len({again.role_password(role) for role in ROLES}) == len(ROLES)
