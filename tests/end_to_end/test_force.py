"""People write while parts die and are replaced: nothing that was acknowledged is lost, and a reload refuses nobody."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import psutil
import psycopg
import pytest

from house.postgres import as_owner
from tests.house.small_district import comm
from tests.town import OURS, Town, wait_for

GIVEN_UP_AFTER = 15.0  # seconds, as the provider does


@dataclass
class Writers:
    """Several people who write one message after the other, each by a connection that is kept."""

    town: Town
    again: bool  # whether what was refused is posted again, as a provider does
    over: threading.Event = field(default_factory=threading.Event)
    taken: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def write(self, number: int) -> None:
        url = f"{self.town.url}/in/twilio"
        with httpx.Client(timeout=12) as line:
            while not self.over.is_set():
                fields = self.town.provider.message(f"+92300777{number:04}", OURS, "MENU")
                body, headers = self.town.provider.signed(url, fields)
                begun = time.monotonic()
                while True:
                    try:
                        said: object = line.post(url, content=body, headers=headers).status_code
                    except httpx.TransportError as error:
                        said = repr(error)
                    if said == 200:
                        self.taken.append(fields["MessageSid"])
                        break
                    if not self.again or time.monotonic() - begun > GIVEN_UP_AFTER:
                        self.lost.append(f"{fields['MessageSid']}: {said}")
                        break
                time.sleep(0.1)  # four at this pace are twice what is promised; nothing rests on it


@contextmanager
def writing(town: Town, *, again: bool) -> Iterator[Writers]:
    writers = Writers(town, again)
    threads = [threading.Thread(target=writers.write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(writers.taken) > 8)
        yield writers
        count = len(writers.taken)
        wait_for(lambda: len(writers.taken) > count + 8)
    finally:
        writers.over.set()
        for thread in threads:
            thread.join()
    assert writers.lost == []


def names(town: Town) -> dict[str, int]:
    return {comm(child): child.pid for child in psutil.Process(town.process.pid).children()}


def are_kept(town: Town, ids: list[str]) -> bool:
    """Whether each of these messages stands in the inbox once."""
    url = json.loads((town.data / "run" / "running.json").read_text())["database_url"]
    with psycopg.connect(as_owner(url, town.data)) as owner:
        rows = owner.execute("SELECT provider_id FROM inbox WHERE provider_id = ANY(%s)", [ids]).fetchall()
    return sorted(row[0] for row in rows) == sorted(ids)


def _is_another(town: Town, part: str, number: int) -> bool:
    return names(town).get(part, 0) not in {0, number}


def kill(town: Town, *parts: str) -> None:
    before = names(town)
    for part in parts:
        os.kill(before[part], signal.SIGKILL)
    for part in parts:
        wait_for(partial(_is_another, town, part, before[part]))


@pytest.mark.parametrize(
    "parts",
    [("web-1",), ("web-1", "web-2"), ("jawab-parent",), ("replies", "tick"), ("valkey-server",)],
    ids=" and ".join,
)
def test_what_is_killed_is_back_and_nothing_is_lost(town: Town, parts: tuple[str, ...]) -> None:
    with writing(town, again=True) as writers:
        kill(town, *parts)
    assert are_kept(town, writers.taken)


def test_a_hung_web_is_replaced(town: Town) -> None:
    with writing(town, again=True) as writers:
        hung = names(town)["web-2"]
        os.kill(hung, signal.SIGSTOP)
        wait_for(lambda: names(town).get("web-2", 0) not in {0, hung})
    assert are_kept(town, writers.taken)


@pytest.mark.timeout(400)
def test_a_reload_under_load_refuses_nothing(town: Town) -> None:
    before = names(town)
    with writing(town, again=False) as writers:
        assert town.run("reload") == "every process is a new one\n"
    assert are_kept(town, writers.taken)
    now = names(town)
    assert set(now) == set(before)
    assert {name for name in now if now[name] == before[name]} == {"valkey-server", "postgres"}


def test_a_reload_where_nothing_runs_is_one_line(town: Town, tmp_path: object) -> None:
    nowhere = Town(**{**vars(town), "env": town.env | {"JAWAB_DATA": str(tmp_path)}})
    assert nowhere.run("reload", code=2) == ""
