"""The whole system as a district starts it: `jawab up` on embedded parts, with a provider on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import folders
from tests.ports import free_port
from tests.providers.twilio import ACCOUNT, TOKEN, FakeTwilio

ROOT = Path(__file__).parents[1]
RUN = [sys.executable, "-m", "cli"]
OURS = "+92810000001"
# Native lines (Common Voice, CC0) and plain sentences of the field; the words themselves prove nothing here. A language
# that has none yet writes in Urdu.
STORIES: defaultdict[str, str] = defaultdict(
    lambda: STORIES["ur"],
    ur="تین دن سے نلکے میں پانی نہیں آ رہا",
    ps="د پایپونو ستونزه ده او اوبه نشته",
    bal="اے کلگ ءِ آپ ءِ نلکہ بند اِنت",
    brh="دیر نا نلکہ بند ءِ او کس جواب تفک",
)
# Twenty seconds of a processor for each start of a web, to lie ready for a burst of reports that no test of ours makes.
SMALL = {"JAWAB_CODES_READY": "4"}
CODE = re.compile(r"\d{4} \d{4} \d{4} \d")


def wait_for(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Poll until `what()` is true; its value. A deadline, not a sleep that the test rests on."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return found


@dataclass
class Town:
    """A running system and what a person outside can do to it."""

    url: str
    data: Path
    provider: FakeTwilio
    process: subprocess.Popen[bytes]
    env: dict[str, str]
    desk_url: str
    custody_url: str
    heard: dict[str, int] = field(default_factory=dict)

    def post(self, phone: str, text: str, *, kind: str = "whatsapp", **more: str) -> httpx.Response:
        """One signed webhook, as the provider would post it."""
        mark = "whatsapp:" if kind == "whatsapp" else ""
        fields = self.provider.message(f"{mark}{phone}", f"{mark}{OURS}", text, **more)
        body, headers = self.provider.signed(f"{self.url}/in/twilio", fields)
        return httpx.post(f"{self.url}/in/twilio", content=body, headers=headers, timeout=20)

    def messages_to(self, phone: str) -> list[str]:
        return [taken.body for taken in list(self.provider.ledger) if taken.to.removeprefix("whatsapp:") == phone]

    def say(self, phone: str, text: str, *, kind: str = "whatsapp", **more: str) -> str:
        """Post one message and wait for its answer at the provider."""
        before = self.heard.get(phone, 0)
        answer = self.post(phone, text, kind=kind, **more)
        assert answer.status_code == 200, answer.text
        messages = wait_for(lambda: (found := self.messages_to(phone)) and len(found) > before and found)
        self.heard[phone] = before + 1
        return str(messages[before])

    def command(self, *argv: str) -> Any:
        """`jawab …` in the same folder; what it printed as JSON."""
        return json.loads(self.run(*argv))

    def run(self, *argv: str, code: int = 0) -> str:
        """`jawab …` in the same folder; what it printed, once it ended with this exit code."""
        run = subprocess.run(
            [*RUN, *argv], env=self.env, cwd=ROOT, capture_output=True, check=False, text=True, stdin=subprocess.DEVNULL
        )
        assert run.returncode == code, run.stdout + run.stderr
        return run.stdout

    def login(self, role: str) -> tuple[str, str]:
        demo = json.loads((self.data / "demo.json").read_text())
        row = next(row for row in demo["logins"] if row["role"] == role)
        return row["user"], row["password"]


@contextmanager
def found_town(
    mode: str = "demo",
    data: Path | None = None,
    provider: FakeTwilio | None = None,
    *,
    dump: Path | None = None,
    settings: Mapping[str, str] = SMALL,
) -> Iterator[Town]:
    """A town in a folder of its own (or this one), perhaps of a dump, and its end.

    Outside demo mode desk and custody stand apart. What is measured is a town with no `settings`, as districts run it.
    """
    with ExitStack() as held:
        if data is None:
            data = held.enter_context(folders.made("town")) / "var"
        provider = provider or held.enter_context(FakeTwilio())
        port, desk, custody = (free_port() for _ in range(3))
        env = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")} | {
            "JAWAB_MODE": mode,
            "JAWAB_DATA": str(data),
            "JAWAB_PORT": str(port),
            "JAWAB_DESK_PORT": str(desk),
            "JAWAB_CUSTODY_PORT": str(custody),
            "JAWAB_TWILIO_ACCOUNT_SID": ACCOUNT,
            "JAWAB_TWILIO_AUTH_TOKEN": TOKEN,
            "JAWAB_TWILIO_API_URL": provider.url,
            **settings,
        }
        if dump is not None:
            subprocess.run([*RUN, "restore", str(dump)], env=env, cwd=ROOT, check=True)
        process = subprocess.Popen([sys.executable, "-m", "jawab", "up"], env=env, cwd=ROOT)
        urls = [f"http://127.0.0.1:{one}" for one in ((port, port, port) if mode == "demo" else (port, desk, custody))]
        town = Town(urls[0], data, provider, process, env, urls[1], urls[2])

        def ready() -> bool:
            assert process.poll() is None, "jawab up ended"
            try:
                return all(httpx.get(f"{url}/ready", timeout=2).status_code == 200 for url in urls)
            except httpx.TransportError:
                return False

        try:
            wait_for(ready, 180)
            wait_for((data / ("demo.json" if mode == "demo" else "run/running.json")).is_file)
            yield town
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    with found_town() as found:
        yield found
