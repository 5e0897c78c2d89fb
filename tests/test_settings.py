"""What the environment may not say: every malformed value stops the start with one line that names it."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

import settings
from settings import Misconfigured

ROOT = Path(__file__).parents[1]
ACCOUNT = "AC" + "0" * 32
SECRET = "0123456789abcdef0123456789abcdef"
MALFORMED = [
    ("JAWAB_MODE", "prod"),
    ("JAWAB_PORT", "abc"),
    ("JAWAB_PORT", "0"),
    ("JAWAB_PORT", "70000"),
    ("JAWAB_PUBLIC_URL", "nonsense"),
    ("JAWAB_PUBLIC_URL", "https://jawab.example.pk:99999"),  # every webhook's signature is checked against it
    ("JAWAB_PUBLIC_URL", "https://jawab.example.pk:abc"),
    ("JAWAB_PUBLIC_URL", "http://[::1"),
    ("JAWAB_PUBLIC_URL", "https://jawab.example.pk/?a=b"),
    ("JAWAB_PUBLIC_URL", "https://ja wab.example.pk"),
    ("JAWAB_PUBLIC_URL", "http://jawab.example.pk"),  # live: passwords and cases would travel readable
    ("JAWAB_PUBLIC_URL", "http://127.0.0.1.example.pk"),
    ("JAWAB_PROXY", "nonsense"),
    ("JAWAB_PROXY", "127.0.0.1, *"),
    ("JAWAB_PROXY", "0.0.0.0/0"),
    ("JAWAB_PROXY", "10.0.0.1/24"),
    ("JAWAB_PUBLIC_URL", "https://user:geheim@jawab.example.pk"),
    ("JAWAB_DATA", "./" + "a" * 300),
    ("JAWAB_DATABASE_URL", "mysql://here/x"),
    ("JAWAB_DATABASE_URL", "postgresql://u:geheim@[::1/x"),
    ("JAWAB_DATABASE_URL", "postgresql://u:geheim@127.0.0.1:port/x"),
    ("JAWAB_DATABASE_URL", "postgresql://u:geheim@127.0.0.1/x?nonsense=1"),
    ("JAWAB_REDIS_URL", "http://here"),
    ("JAWAB_REDIS_URL", "redis://:geheim@127.0.0.1:abc/0"),
    ("JAWAB_REDIS_URL", "redis://127.0.0.1:6379/nonsense"),
    ("JAWAB_TWILIO_API_URL", "ftp://here"),
    ("JAWAB_TWILIO_API_URL", "http://here:abc"),
    ("JAWAB_TELEGRAM_API_URL", "nonsense"),
    ("JAWAB_TELEGRAM_TOKEN", "geheim"),
    ("JAWAB_TELEGRAM_TOKEN", "1:geheim/x"),
    ("JAWAB_TELEGRAM_SECRET", "geheim geheim"),
    ("JAWAB_LOG_LEVEL", "loud"),
    ("JAWAB_CODES_READY", "0"),
    ("JAWAB_CODES_READY", "many"),
    ("JAWAB_METRICS_TOKEN", "short"),
]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("JAWAB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JAWAB_DATA", str(tmp_path))


def refusal() -> str:
    with pytest.raises(Misconfigured) as refused:
        settings.load()
    line = str(refused.value)
    assert "\n" not in line
    assert "geheim" not in line, "a password in an address is nobody's business"
    return line


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_value_is_refused_in_one_line_that_names_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert name in refusal()


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("JAWAB_TWILIO_ACCOUNT_SID", ACCOUNT, "JAWAB_TWILIO_AUTH_TOKEN"),
        ("JAWAB_TWILIO_AUTH_TOKEN", "token", "JAWAB_TWILIO_ACCOUNT_SID"),
        ("JAWAB_TELEGRAM_TOKEN", "5550001:token", "JAWAB_TELEGRAM_SECRET"),
        ("JAWAB_TELEGRAM_SECRET", "secret", "JAWAB_TELEGRAM_TOKEN"),
    ],
)
def test_half_a_pair_is_refused(name: str, value: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert missing in refusal()


def test_a_demo_with_a_real_bot_is_a_trial_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAWAB_TELEGRAM_TOKEN", "5550001:token")
    monkeypatch.setenv("JAWAB_TELEGRAM_SECRET", SECRET)
    assert settings.load(mode="demo").trial
    assert not settings.load(mode="live").trial
    monkeypatch.setenv("JAWAB_TELEGRAM_API_URL", "http://127.0.0.1:8081")
    assert not settings.load(mode="demo").trial


@pytest.mark.parametrize("token", ["changeme", "x", "geheim" * 5, "a" * 40, "short1-but-mixed"])
@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "TELEGRAM_SECRET"])
def test_a_word_that_is_guessed_is_refused_in_live_mode(name: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAWAB_TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("JAWAB_TWILIO_AUTH_TOKEN", SECRET)
    monkeypatch.setenv("JAWAB_TELEGRAM_TOKEN", "5550001:token")
    monkeypatch.setenv("JAWAB_TELEGRAM_SECRET", SECRET)
    settings.load(mode="live")
    monkeypatch.setenv(f"JAWAB_{name}", token)
    assert f"JAWAB_{name}" in refusal()
    settings.load(mode="demo")


@pytest.mark.parametrize("host", ["::", "192.0.2.7"])
def test_live_and_reachable_needs_a_public_address_with_https(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAWAB_HOST", host)
    assert "JAWAB_PUBLIC_URL" in refusal()
    monkeypatch.setenv("JAWAB_PUBLIC_URL", "https://jawab.example.pk")
    settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JAWAB_PROXY", "127.0.0.1, 10.0.0.0/24,::1"),
        ("JAWAB_PUBLIC_URL", "http://127.0.0.1:8010"),
        ("JAWAB_PUBLIC_URL", "http://localhost"),
        ("JAWAB_PUBLIC_URL", "https://jawab.example.pk:8443/behind/a/path/"),
        ("JAWAB_PUBLIC_URL", "http://[::1]:8000"),
        ("JAWAB_DATABASE_URL", "postgresql://u:p@one:5432,two:5433/x?target_session_attrs=read-write"),
        ("JAWAB_DATABASE_URL", "postgresql:///x?host=/tmp/socket"),
        ("JAWAB_REDIS_URL", "rediss://:p@here/1"),
        ("JAWAB_REDIS_URL", "unix:///tmp/redis.sock?db=1"),
        ("JAWAB_PORT", ""),
    ],
)
def test_what_is_right_is_taken(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    settings.load()


def test_half_a_file_about_a_running_system_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "running.json").write_text('{"database_url": "postg')
    assert not settings.load().database_url


def test_a_command_in_another_shell_tells_providers_the_address_that_was_given_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "master.key").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "running.json").write_text(
        '{"database_url": "postgresql://here/x", "public_url": "https://jawab.example.pk"}'
    )
    assert settings.load_running().base_url == "https://jawab.example.pk"
    assert settings.load().base_url == "http://127.0.0.1:8000"  # the next start is not told by the last one
    monkeypatch.setenv("JAWAB_PUBLIC_URL", "https://other.example.pk")
    assert settings.load_running().base_url == "https://other.example.pk"


def run(data: Path, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "migrate"],
        env={**os.environ, "JAWAB_DATA": str(data), **more},
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


def test_a_database_that_cannot_be_reached_is_told_in_one_line(tmp_path: Path, database_url: str) -> None:
    nowhere = run(tmp_path, JAWAB_DATABASE_URL="postgresql://u:geheim@127.0.0.1:1/x")
    assert nowhere[0] == 2
    assert "JAWAB_DATABASE_URL" in nowhere[1]
    wrong = run(tmp_path, JAWAB_DATABASE_URL=re.sub("//[^@]*@", "//nobody:geheim@", database_url))
    assert wrong[0] == 2
    assert "JAWAB_DATABASE_URL" in wrong[1]
    assert "geheim" not in nowhere[1] + wrong[1]


@pytest.mark.parametrize("name", ["master.key", "escrow.pub"])
@pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe", b"", b"ab" * 31])
def test_a_malformed_key_file_is_named_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    for file in ("master.key", "escrow.pub"):
        (keys / file).write_text(secrets.token_hex(32))
        (keys / file).chmod(0o600)
    (keys / name).write_bytes(content)
    code, line = run(tmp_path, JAWAB_DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")
    assert code == 2
    assert name in line


def test_outside_demo_mode_each_process_has_a_port_and_an_address() -> None:
    live = settings.load(mode="live", port=9000, public_url="https://jawab.example.pk")
    assert [live.port_of(part) for part in ("citizen", "desk", "custody")] == [9000, 9001, 9002]
    assert live.url_of("citizen") == "https://jawab.example.pk"
    assert live.url_of("desk") == "https://jawab.example.pk:9001"
    named = settings.load(mode="live", custody_port=9100, custody_url="https://custody.example.pk/")
    assert (named.port_of("custody"), named.url_of("custody")) == (9100, "https://custody.example.pk")
    assert settings.load(mode="live", host="::1").url_of("desk") == "http://[::1]:8001"
    demo = settings.load(mode="demo", desk_port=9000)
    assert (demo.port_of("desk"), demo.url_of("desk")) == (8000, demo.base_url)


@pytest.mark.parametrize("given", [{"desk_port": 8000}, {"desk_port": 9, "custody_port": 9}, {"port": 65534}])
def test_two_processes_with_one_port_are_refused_in_one_line(given: dict[str, int]) -> None:
    with pytest.raises(Misconfigured, match="JAWAB_DESK_PORT and JAWAB_CUSTODY_PORT must be three ports"):
        settings.load(mode="live", **given)
