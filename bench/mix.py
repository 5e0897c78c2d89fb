"""Receipts, turns and sends together at even paces, as on the day of an edition: what is kept, and what it costs.

The whole mix is 3,000 receipts, 300 turns and 1,000 sends a second. Load, provider and the database work on the same
cores, so shares of it are tried, each beside the limit's processes at the same paces: how much of it this machine
carries, and what a share costs, is what can be said. Replies of the turns stay in the outbox: their lane does not run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil

from bench import parts, receipts
from bench.load import ACCOUNT, SCRIPTS, TOKEN, talk

WHOLE = {"receipts": 3000, "turns": 300, "sends": 1000}  # a second
SHARES = "0.05,0.1,0.15,0.2,0.25,0.3,0.35,0.4,0.5"
RECEIPTS_AT_ONCE, TURNS_AT_ONCE = 64, 32  # connections
KEPT = 0.97  # of each pace; what the lane writes down after its last send is in its time
P50_MS = 10.0  # of turns, at most
WARM_SECONDS = 2.0


async def measure(house: parts.House, seconds: float, shares: str) -> dict[str, Any]:
    """Share by share until its paces are not kept: the last whose paces were, and whose turns were in time too."""
    port = parts.free_port()
    told = ["tests.providers.twilio", "--port", str(port), "--account", ACCOUNT, "--token", TOKEN]
    env = house.env | {"JAWAB_TWILIO_API_URL": f"http://127.0.0.1:{port}"}
    done: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(parts.process(told, env, port))
        web = stack.enter_context(parts.process(["cli", "web"], env, house.web_port))
        sides = [
            Side("ours", house.web_port, web, provider, house, env),
            Side("limit", *parts.bare(stack, "bench.limit:app", house), provider, house, env),
        ]
        for side in sides:  # pools, caches and plans are warm before anything is counted
            await side.carry(0.05, WARM_SECONDS, first=0)
        await parts.filled(web)
        kept = in_time = 0.0
        for number, share in enumerate(map(float, shares.split(",")), 1):
            one = {side.name: await side.carry(share, seconds, number * 100_000) for side in sides}
            done[f"{share:g}"] = one
            if min(one["ours"]["kept"].values()) < KEPT or one["ours"]["bad"]:
                break
            kept = share
            if one["ours"]["turns_p50_ms"] <= P50_MS:
                in_time = share
    return {"kept": kept, "kept_in_time": in_time, "shares": done}


@dataclass(frozen=True)
class Side:
    """Ours, or the limit: who answers at a port, and what the lane's process is begun with."""

    name: str
    port: int
    web: psutil.Process
    provider: psutil.Process
    house: parts.House
    env: dict[str, str]

    async def carry(self, share: float, seconds: float, first: int) -> dict[str, Any]:
        """A share of the whole for so long: paces kept (of 1), times of turns and receipts, cores that each part took.

        `first` is the first of a hundred thousand phones that nobody has used.
        """
        house, paces = self.house, {name: rate * share for name, rate in WHOLE.items()}
        lane = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.send", self.name, str(int(paces["sends"] * seconds)), str(paces["sends"]),
            env=self.env, cwd=parts.ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert lane.stdin
        assert lane.stdout
        while b"ready" not in await lane.stdout.readline():
            pass
        count = int(paces["receipts"] * seconds) + 1
        ids = receipts.fill(house.postgres.superusers_url, count, ours=self.name == "ours")
        cores = {
            "web": self.web,
            "provider": self.provider,
            "valkey": psutil.Process(house.valkey.number()),
        }
        before = {name: parts.cpu(process) for name, process in cores.items()}
        drawer = parts.threads(self.web)[0]
        database, load = parts.cpu_of(house.postgres), time.process_time()
        lane.stdin.write(b"\n")
        port, url = self.port, parts.url_of(self.port)
        told, talked = await asyncio.gather(
            receipts.tell(port, url, ids, connections=RECEIPTS_AT_ONCE, seconds=seconds, rate=paces["receipts"]),
            talk(
                port, url, "/in/twilio", connections=TURNS_AT_ONCE, seconds=seconds, first=first, rate=paces["turns"],
                script=SCRIPTS["menus"],
            ),
        )  # fmt: skip
        used = {name: (parts.cpu(process) - before[name]) / seconds for name, process in cores.items()}
        used["database"] = (parts.cpu_of(house.postgres) - database) / seconds
        used["drawer"] = (parts.threads(self.web)[0] - drawer) / seconds  # hashes for later, at the lowest priority
        used["web"] -= used["drawer"]
        used["load"] = (time.process_time() - load) / seconds
        said, _ = await lane.communicate()
        sent = json.loads(said.splitlines()[-1])
        used["lane"] = sent["cpu_s_per_10k"] * paces["sends"] / 10_000
        rates = {"receipts": told.rate, "turns": talked.rate, "sends": sent["rate"]}
        return {
            "a_second": {name: round(rate, 1) for name, rate in rates.items()},
            "kept": {name: round(rates[name] / pace, 3) for name, pace in paces.items()},
            "bad": told.bad + talked.bad,
            "turns_p50_ms": round(1000 * talked.quantile(0.5), 2),
            "turns_p99_ms": round(1000 * talked.quantile(0.99), 2),
            "receipts_p50_ms": round(1000 * told.quantile(0.5), 2),
            "receipts_p99_ms": round(1000 * told.quantile(0.99), 2),
            "cores": {name: round(part, 3) for name, part in used.items()},
            "cores_of_ours": round(sum(used[name] for name in ("web", "lane", "database", "valkey")), 3),
            "load": os.getloadavg()[0],
        }
