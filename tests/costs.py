"""What each file of tests costs a processor, with all that it starts; the dearest are told at the end of a run."""

from __future__ import annotations

import resource
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

TOLD = 10  # files


def spent() -> float:
    """CPU seconds of this process and of everything that descends from it, alive or waited for."""
    whole = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    for child in psutil.Process().children(recursive=True):
        try:
            whole += sum(child.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue  # whoever waited for it has its seconds
    return whole


@dataclass
class Costs:
    """By file: [CPU seconds, real seconds]. Where several workers run, each brings its own to the one that tells."""

    of: dict[str, list[float]] = field(default_factory=dict)
    began: tuple[float, float] = (0.0, 0.0)

    def add(self, file: str, cpu: float, real: float) -> None:
        kept = self.of.setdefault(file, [0.0, 0.0])
        kept[0] += cpu
        kept[1] += real

    def pytest_collection_finish(self) -> None:
        self.began = spent(), time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """To look at every process costs milliseconds, so it is done once a file."""
        result = yield
        if nextitem is None or nextitem.path != item.path:
            now = spent(), time.monotonic()
            self.add(item.location[0], *(max(0.0, one - before) for one, before in zip(now, self.began, strict=True)))
            self.began = now
        return result

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["costs"] = self.of

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for file, cost in getattr(node, "workeroutput", {}).get("costs", {}).items():
            self.add(file, *cost)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        told = sorted(self.of.items(), key=lambda one: -one[1][0])
        if len(told) < 2:
            return
        whole = sum(cpu for _, (cpu, _) in told)
        terminalreporter.write_line(f"{whole:.0f} CPU seconds in {len(told)} files; the dearest:")
        for file, (cpu, real) in told[:TOLD]:
            terminalreporter.write_line(f"{cpu:8.1f} CPU s {real:8.1f} s  {file}")
