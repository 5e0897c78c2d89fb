"""Figures of many rounds as medians, and their ratios to the limit of the same round."""

from __future__ import annotations

import statistics
from typing import Any

from bench.load import Measured


def figures(measured: Measured) -> dict[str, float]:
    return {
        "rate": round(measured.rate, 1),
        "p50_ms": round(1000 * measured.quantile(0.5), 2),
        "p99_ms": round(1000 * measured.quantile(0.99), 2),
        "bad": measured.bad,
    }


def summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """By what was said and how many phones: each side's medians, and of the ratios to the limit, pair by pair."""
    return {
        kind: {
            side: {
                name: round(statistics.median(one[side][kind][name] for one in turns), 2)
                for name in turns[0][side][kind]
            }
            | {
                f"{name}_ratio": round(
                    statistics.median(one[side][kind][name] / one["limit"][kind][name] for one in turns), 2
                )
                for name in ("rate", "p50_ms", "web_us", "db_us", "cpu_us")
                if side != "limit"
            }
            for side in turns[0]
        }
        for kind in turns[0]["ours"]
    }


def told(told: list[dict[str, Any]]) -> dict[str, Any]:
    """As `summary`, of receipts: by how many connections."""
    return summary([{side: {kind: one[kind][side] for kind in one} for side in one["c=16"]} for one in told])
