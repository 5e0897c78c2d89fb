"""`python -m tests.chaos.warm`: how long a start takes, what each process holds, and how soon each is back when killed.

Numbers for people: wall times on a busy machine say little, CPU and memory say what they say.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil

from tests import folders
from tests.house.small_district import comm
from tests.town import Town, found_town, wait_for

REST = 120.0  # seconds until the drawers of codes are full (each hash holds 64 MB) and every pool is open
KILLED = ("replies", "tick", "valkey-server", "jawab-parent")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def held(number: int) -> float:
    """Megabytes of a process's own share (PSS); whose memory is hidden tells only root."""
    for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def family(town: Town) -> dict[str, psutil.Process]:
    supervisor = psutil.Process(town.process.pid)
    return {"jawab up": supervisor} | {comm(child): child for child in supervisor.children()}


def show_memory(town: Town) -> None:
    total = 0.0
    for name, one in family(town).items():
        if name not in {"postgres", "valkey-server"}:
            total += (own := held(one.pid))
            say(f"  {own:6.1f} MB  {name}")
    say(f"  {total:6.1f} MB  all Python")


def time_back(town: Town, *parts: str, how: signal.Signals = signal.SIGKILL) -> None:
    """Seconds until another is there, and the longest that somebody who asked meanwhile had to wait."""
    before = {name: one.pid for name, one in family(town).items()}
    over, waits = threading.Event(), [0.0]

    def ask() -> None:
        while not over.is_set():
            begun = time.monotonic()
            for _ in range(100):
                try:
                    if httpx.get(f"{town.url}/ready", timeout=12).status_code == 200:
                        break
                except httpx.TransportError:
                    continue
            waits.append(time.monotonic() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    begun = time.monotonic()
    for part in parts:
        os.kill(before[part], how)
    for part in parts:
        wait_for(lambda part=part: part in (now := family(town)) and now[part].pid != before[part])  # type: ignore[misc]
    back = time.monotonic() - begun
    over.set()
    asking.join()
    say(f"  {back:6.2f} s  {' and '.join(parts)} {how.name}; the longest wait at the door {max(waits):.2f} s")
    time.sleep(11)  # longer than what counts as healthy, so that each death is a first one


def main() -> None:
    for mode in ("demo", "live"):
        with folders.made("warm") as folder:
            for start in ("cold", "warm"):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                begun = time.monotonic()
                with found_town(mode, folder / "var", settings={}) as town:
                    ready = time.monotonic() - begun
                    if start == "warm":
                        time.sleep(REST)
                        show_memory(town)
                        webs = ("web-1", "web-2") if mode == "demo" else ("citizen-1", "citizen-2")
                        for part in (webs[0], *KILLED):
                            time_back(town, part)
                        time_back(town, *webs)
                        time_back(town, webs[0], how=signal.SIGSTOP)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                load = os.getloadavg()[0]
                say(f"{mode}, {start}: ready after {ready:.1f} s at load {load:.1f}; {spent:.1f} CPU seconds in all")


if __name__ == "__main__":
    main()
