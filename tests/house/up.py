"""A small district: what `jawab up` is to the house, with children that do almost nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from house.supervisor import Child, run

LITTLE = str(Path(__file__).with_name("little.py"))


@dataclass(frozen=True)
class Settings:
    data: Path
    port: int
    host: str = "127.0.0.1"
    mode: str = "demo"
    database_url: str = ""
    redis_url: str = ""

    @property
    def base_url(self) -> str:
        return "https://jawab.test"

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Settings:
        return replace(self, **update or {})


def count(settings: Settings) -> None:
    """Each start leaves a row."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("create table if not exists starts (at timestamptz default now())")
        connection.execute("insert into starts default values")


def announce(settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute("select count(*) from starts").fetchone()
    assert row
    found = {"starts": row[0], "database_url": settings.database_url, "redis_url": settings.redis_url}
    say(json.dumps(found))


def seed_slowly(seconds: float) -> None:
    say("seeding")
    time.sleep(seconds)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    given = json.loads(sys.argv[1])
    worker = given.pop("worker", "import signal; signal.pause()")
    server = given.pop("server", None)
    slow = given.pop("slow_seed", 0)
    word = given.pop("word", "")
    settings = Settings(**given | {"data": Path(given["data"])})
    listens = {"JAWAB_HOST": settings.host, "JAWAB_PORT": str(settings.port)}
    children: list[Child[Settings]] = [
        Child(
            "web",
            [sys.executable, "-c", server] if server else [sys.executable, LITTLE, "web"],
            env=listens,
            port=settings.port,
        ),
        Child(
            "worker replies",
            [sys.executable, LITTLE, "deaf"] if worker == "deaf" else [sys.executable, "-c", worker],
            grace=60,
            gives=(lambda here: json.dumps({"word": word, "data": str(here.data)}).encode()) if word else None,
        ),
    ]
    return run(
        settings,
        migrate=count,
        seed=(lambda _: seed_slowly(slow)) if slow else None,
        children=children,
        announce=announce,
    )


if __name__ == "__main__":
    sys.exit(main())
