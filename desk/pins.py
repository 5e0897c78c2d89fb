"""A pin on the map, in words."""

from __future__ import annotations

from collections.abc import Sequence


def tell(point: Sequence[float]) -> str:
    """(latitude, longitude) to about a metre."""
    lat, lon = point
    return f"{lat:.5f}, {lon:.5f}"
