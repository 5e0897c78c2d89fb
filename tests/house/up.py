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

from house.supervisor import Prepared, run
from house.warm import Child


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


def prepare(settings: Settings, slow: float, word: str) -> Prepared:
    """Each start leaves a row, and is announced."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("create table if not exists starts (at timestamptz default now())")
        connection.execute("insert into starts default values")
        row = connection.execute("select count(*) from starts").fetchone()
    assert row
    if slow:
        say("seeding")
        time.sleep(slow)
    found = {"starts": row[0], "database_url": settings.database_url, "redis_url": settings.redis_url}
    given = json.dumps({"word": word, "data": str(settings.data)}).encode() if word else b""
    return Prepared(json.dumps(found) + "\n", {"replies": given})


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    given = json.loads(sys.argv[1])
    worker = given.pop("worker", "alive(task)")
    server = given.pop("server", None)
    slow = given.pop("slow_seed", 0)
    word = given.pop("word", "")
    settings = Settings(**given | {"data": Path(given["data"])})
    children = [
        *(
            Child(
                f"web-{number}",
                "program" if server else "web",
                {"program": server} if server else {},
                port=settings.port,
            )
            for number in (1, 2)
        ),
        Child(
            "replies",
            "deaf" if worker == "deaf" else "program",
            {"program": worker},
            grace=60,
        ),
    ]
    return run(
        settings,
        parent=[sys.executable, str(Path(__file__).with_name("little.py")), str(settings.data.parent / "broken")],
        children=children,
        get_ready=lambda: lambda here: prepare(here, slow, word),
    )


if __name__ == "__main__":
    sys.exit(main())
