"""The house's own law, held by machines: who may import whom, who commits, who reads the environment."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from bot.registry import CHANNELS
from flows.effects import Effect
from flows.model import Details
from locales import LANGS
from locales.languages import TABLE

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "broadcast", "cases", "desk", "flows", "house", "locales", "pages", "store", "window")
ENTRIES = (
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "commands").glob("*.py"))),
    *(
        f"{name}.py"
        for name in (
            "app",
            "worker",
            "jobs",
            "clockwork",
            "cli",
            "jawab",
            "parent",
            "lives",
            "processes",
            "handing",
            "serving",
            "settings",
        )
    ),
)

# One deliberate breach for each contract: (file, line to add, what the linter must say).
BREACHES = {
    "upwards": ("store/inbox.py", "import cases.clocks", "rooms look only downwards"),
    "sideways": ("bot/deliver.py", "import desk.queue", "rooms look only downwards"),
    "impure flow": ("flows/engine.py", "import random", "pure rooms"),
    "impure lifecycle": ("cases/lifecycle.py", "import datetime", "pure rooms"),
    "a clock that looks at the clock": ("cases/clocks.py", "import time", "clocks reckon"),
    "a third door": ("cases/figures.py", "import cases.protected.vault", "two doors"),
    "a fourth door": ("desk/queue.py", "import cases.protected.reading", "two doors"),
    "pages that know a room": ("pages/page.py", "import desk.roles", "rooms look only downwards"),
    "a window that looks into the desk": ("window/home.py", "import desk.queue", "rooms look only downwards"),
    "a window that could act": ("window/figures.py", "import cases.acts", "the window shows"),
    "a window that could publish": ("window/updates.py", "import broadcast.publish", "the window shows"),
    "channels that know each other": ("bot/channels/twilio.py", "import bot.channels.simulator", "know each other"),
    "a gateway that knows another": ("bot/channels/gateway/preset.py", "import bot.channels.twilio", "know each other"),
    "a turn that sends": ("bot/intake/sweeps.py", "import bot.deliver", "meet in the database"),
    "a receipt that sends": ("bot/receipts.py", "import bot.deliver", "meet in the database"),
    "an entry point imported": ("desk/queue.py", "import worker", "entry points"),
    "a house that knows a room": ("house/logs.py", "import store.outbox", "stands apart"),
}


def python_files() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")] + [ROOT / name for name in ENTRIES]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, to break."""
    folder = tmp_path_factory.mktemp("law")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("vendor", "__pycache__"))
    for name in (*ENTRIES, "pyproject.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold(copy: Path) -> None:
    run = lint(copy)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_forbidden_import_is_caught(copy: Path, breach: str) -> None:
    name, line, said = BREACHES[breach]
    path = copy / name
    before = path.read_text()
    path.write_text(f"{before}\n{line}  # noqa\n")
    try:
        run = lint(copy)
    finally:
        path.write_text(before)
    assert run.returncode != 0, f"{line} in {name} was let through"
    broken = [row for row in run.stdout.splitlines() if "BROKEN" in row]
    assert any(said in row for row in broken), broken


def test_root_modules_reach_the_protected_room_only_through_the_desk() -> None:
    """import-linter cannot see modules that are no package."""
    for name in ENTRIES:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not any(found.startswith("cases.protected") for found in names), name


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if re.search(r"os\.environ|getenv|environb", path.read_text())
    }
    # The house hands its environment on to children; it takes no value from it.
    assert readers <= {"house/warm.py"} | {f"house/assets/{name}" for name in ("__init__.py", "__main__.py")}, readers


def test_nobody_commits_but_who_opens_a_transaction() -> None:
    for path in python_files():
        assert not re.search(r"\b(tx|conn|connection)\.(commit|rollback)\(", path.read_text()), path


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("twilio", {"bot/channels/twilio.py", "bot/contents.py", "bot/twilio_http.py"}),
        ("aiogram", {"bot/channels/telegram.py"}),
        ("aiohttp", {"bot/wire.py"}),
        ("nacl", {"store/brief.py", "store/crypto.py", "store/signatures.py"}),
        ("argon2", {"store/crypto.py"}),
        ("sqlalchemy", {"store/migrations/__init__.py"}),
        ("alembic", {"store/migrations/__init__.py"}),
        ("rq", {"store/bell.py", "worker.py"}),
        ("httpx", set()),
    ],
)
def test_a_package_has_one_place(package: str, allowed: set[str]) -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if re.search(rf"^\s*(import|from) {package}\b", path.read_text(), re.MULTILINE)
    }
    assert found <= allowed


def test_nobody_outside_a_channels_file_looks_at_a_providers_code() -> None:
    codes = {code for channel in CHANNELS for code in channel.codes if len(code) > 3}  # shorter: an HTTP status
    assert codes
    number = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(codes)))})\b")
    looking = {
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in python_files()
        if path.parent != ROOT / "bot" / "channels" and (found := number.search(path.read_text()))
    }
    assert looking == set()


def test_every_file_beside_the_contract_is_a_channel_of_the_registry() -> None:
    found = (ROOT / "bot" / "channels").iterdir()  # a file, or a folder where a channel needs several
    files = {path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").is_file()} - {"__init__"}
    assert {channel.__module__.rpartition(".")[2] for channel in CHANNELS} == files


def test_every_effect_is_done_and_nothing_is_done_that_is_none() -> None:
    """The type checker holds it too; this one says which."""
    done = {
        case.pattern.cls.id
        for case in ast.walk(ast.parse((ROOT / "bot/intake/effects.py").read_text()))
        if isinstance(case, ast.match_case)
        and isinstance(case.pattern, ast.MatchClass)
        and isinstance(case.pattern.cls, ast.Name)
    }
    assert done == {effect.__name__ for effect in get_args(Effect)}


@pytest.mark.parametrize("function", ["_open_case", "_amend"])
def test_every_answer_of_a_report_is_kept(function: str) -> None:
    """All but what it is about, which decides where it goes: an ordinary case is about a service."""
    tree = ast.parse((ROOT / "bot/intake/effects.py").read_text())
    body = next(one for one in ast.walk(tree) if isinstance(one, ast.AsyncFunctionDef) and one.name == function)
    read = {
        node.attr
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "details"
    }
    assert {field.name for field in fields(Details)} - {"about"} <= read


def test_no_lock_file_names_an_address() -> None:
    assert '"resolved"' not in (ROOT / "house/assets/package-lock.json").read_text()
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / name).read_text(), name
        for entry in (ROOT / name).read_text().replace("\\\n", "").splitlines():
            if entry.strip() and not entry.startswith("#"):
                assert "--hash=sha256:" in entry, entry[:60]


def test_only_entry_points_take_more_of_the_settings_than_their_shape() -> None:
    for path in python_files():
        if str(path.relative_to(ROOT)) not in ENTRIES:
            for node in ast.walk(ast.parse(path.read_text())):
                names = (
                    {alias.name for alias in node.names} if isinstance(node, (ast.Import, ast.ImportFrom)) else set()
                )
                assert "settings" not in names, path
                if isinstance(node, ast.ImportFrom) and node.module == "settings":
                    assert names <= {"Settings", "Part", "TWILIO_API", "TELEGRAM_API"}, path


@pytest.mark.parametrize("room", ["desk", "window"])
def test_every_page_that_can_be_mounted_is(room: str) -> None:
    doors = (ROOT / room / "doors.py").read_text()
    mounted = re.search(r"(?:for room in|ROOMS =) \(([a-z_,\s]+)\)", doors)
    assert mounted
    able = {path.stem for path in (ROOT / room).glob("*.py") if "\ndef mount(" in path.read_text()} - {"doors"}
    assert set(re.findall("[a-z_]+", mounted[1])) == able


# Every table there was before the first one was added: databases have run it, so it is not edited any more.
HISTORY = {"store/migrations/0001_spine.sql"}


def test_a_file_can_be_read_in_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT))
        for folder in (*ROOMS, "bench", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql"} and len(path.read_text().splitlines()) > 400
    }
    assert long == HISTORY


def test_every_exception_from_a_rule_says_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"# (noqa|type: ignore)(?!.* (-|#) \w)", line)
    ]
    assert silent == []


def test_a_style_of_one_script_is_given_to_every_language_read_in_it() -> None:
    """A selector that names some of them leaves a language that is added in the wrong letters."""
    read_in: dict[str, set[str]] = {}
    for lang, language in TABLE.items():
        read_in.setdefault(language.font, set()).add(lang)
    named = {
        f"{path.relative_to(ROOT)}: {selector.strip()}": set(re.findall(r":lang\(([a-z]+)\)", selector))
        for room in ROOMS
        for path in (ROOT / room).rglob("static/*.css")
        for selector in re.findall(r"[^{}/]*:lang[^{}/]*(?=\{)", path.read_text())
    }
    assert set(TABLE) <= set.union(*named.values())
    assert {at: langs for at, langs in named.items() if langs not in read_in.values()} == {}


def test_a_test_takes_the_languages_from_where_they_are_named() -> None:
    """A language that is added is walked by every test that walks all of them."""
    listed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Tuple | ast.List | ast.Set)
        and len({one.value for one in node.elts if isinstance(one, ast.Constant)} & set(LANGS)) > 2
    ]
    assert listed == []
