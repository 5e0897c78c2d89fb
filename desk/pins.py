"""A pin on the map, in words."""

from __future__ import annotations

from collections.abc import Sequence

from flows.places import nearest, places_of


def tell(point: Sequence[float]) -> str:
    """(latitude, longitude) to about a metre."""
    lat, lon = point
    return f"{lat:.5f}, {lon:.5f}"


def find_near(district_id: str, point: Sequence[float]) -> dict[str, str]:
    """The names of the tehsil of a district that a pin lies nearest to; {} where it lies outside of all."""
    lat, lon = point
    place = nearest(places_of(district_id), (lat, lon))
    return place.names if place else {}
