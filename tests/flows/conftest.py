"""Phones that talk to the engine alone; the world behind them is the one of `jawab play`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flows.book import Book
from flows.model import Session
from flows.play import Phone, World
from tests.answers import BOOK


@pytest.fixture
def book() -> Book:
    return BOOK


@pytest.fixture
def phone() -> Callable[..., Phone]:
    """A new phone: `phone()` is a stranger, `phone("ur")` has chosen Urdu; further names go to its world."""

    def make(lang: str = "", **world: Any) -> Phone:
        return Phone(BOOK, World(**world), Session(lang=lang))

    return make
