"""A small district: what `jawab up` is to the house, with children that do almost nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from house.supervisor import Place, Prepared, run
from house.warm import Child


def prepare(addresses: Mapping[str, str], slow: float, word: str) -> Prepared:
    """Each start leaves a row, and is announced."""
    with psycopg.connect(addresses["database_url"]) as connection:
        connection.execute("create table if not exists starts (at timestamptz default now())")
        connection.execute("insert into starts default values")
        row = connection.execute("select count(*) from starts").fetchone()
    assert row
    if slow:
        say("seeding")
        time.sleep(slow)
    found = {"starts": row[0], **{name: addresses[name] for name in ("database_url", "redis_url")}}
    told = {
        "word": word,
        "data": addresses["data"],
        "redis_url": addresses["redis_url"],
        "sockets": addresses["database_url"].partition("host=")[2],
    }
    given = json.dumps(told).encode() if word else b""
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
    addresses = {name: given[name] for name in ("database_url", "redis_url") if name in given}
    place = Place(base_url="https://jawab.test", **{"host": "127.0.0.1", **given, "data": Path(given["data"])})
    children = [
        *(
            Child(
                f"web-{number}",
                "program" if server else "web",
                {"program": server} if server else {},
                port=place.port,
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
        place,
        parent=[sys.executable, str(Path(__file__).with_name("little.py")), str(place.data.parent / "broken")],
        children=children,
        get_ready=lambda: lambda running: prepare({**addresses, **running}, slow, word),
    )


if __name__ == "__main__":
    sys.exit(main())
