"""The simulator in the contract test: it has no provider, so there is little that could go wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self, get_args

from bot.channels import Fate, Posted
from tests.providers.standin import Standin

NO_PROVIDER = "there is no provider: the page reads the database"


class Simulated(Standin):
    provider: ClassVar = "simulator"
    kind: ClassVar = "try"
    address: ClassVar = "try"
    citizen: ClassVar = "+923990000001"
    lacks: ClassVar = dict.fromkeys((*get_args(Fate), "receipt", "failure", "receipts"), NO_PROVIDER) | {
        "forged": "it has no web address of its own",
        "media": "the page says itself which sample is sent",
        "place": "the page says itself which place is sent",
    }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def values(self) -> dict[str, str]:
        return {}

    def posted(self, payload: Mapping[str, Any], path: str) -> Posted:
        return Posted(path, "", {}, json.dumps(payload["json"]).encode())


STANDIN = Simulated
