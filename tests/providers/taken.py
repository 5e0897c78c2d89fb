"""One message that the provider's stand-in has taken."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any


@dataclass
class Taken:
    """One message in the ledger; `form` is what was posted, in order."""

    sid: str
    to: str
    sender: str
    body: str
    callback: str
    at: datetime
    form: dict[str, str]
    arrived: float = field(default_factory=time.monotonic)
    deleted: bool = False
    status: str = "queued"

    def resource(self, account: str) -> dict[str, Any]:
        """The Message resource as Twilio's API description has it. It does not tell the callback address."""
        uri = f"/2010-04-01/Accounts/{account}/Messages/{self.sid}"
        moment = format_datetime(self.at)
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": moment,
            "date_sent": None if self.status == "queued" else moment,
            "date_updated": moment,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }
