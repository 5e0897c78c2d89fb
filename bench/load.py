"""A load of signed webhooks: phones that talk their way through a report, over kept-alive connections."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

ACCOUNT = "AC" + "a" * 32
TOKEN = "bench-token"
OURS = "whatsapp:+92810000001"
# `menus` moves through the menus and back again: only the choice of a language has an effect beyond the session. None
# of its turns is one of a report, which does its twin's work as well and gives a number whose hash costs 0.1 s.
# `report` is a whole report in nine turns, of which six have effects and the last opens a case.
SCRIPTS = {
    "menus": ("سلام", "1", "1", *("0", "2", "0", "4", "0", "1") * 4, "0", "2"),
    "report": ("سلام", "1", "1", "1", "1", "1", "تین دن سے نلکے میں پانی نہیں آ رہا ہے", "1", "1"),
}

_serial = itertools.count(int(time.time()) * 1_000_000)


@dataclass
class Measured:
    """Latencies in seconds, one per answered turn; `bad` counts answers other than 200."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    bad: int = 0
    posted: dict[str, float] = field(default_factory=dict)  # by phone, when its last turn was posted

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def sign(url: str, form: dict[str, str]) -> str:
    text = url + "".join(key + value for key, value in sorted(form.items()))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


def request(url: str, path: str, phone: str, text: str) -> tuple[str, bytes]:
    """One signed webhook with the nineteen fields of a WhatsApp message, as bytes to write. Returns (sid, bytes)."""
    sid = f"SM{next(_serial):032x}"
    form = {
        "SmsMessageSid": sid, "NumMedia": "0", "ProfileName": "", "MessageType": "text", "SmsSid": sid,
        "WaId": phone.lstrip("+"), "SmsStatus": "received", "Body": text, "To": OURS, "NumSegments": "1",
        "ReferralNumMedia": "0", "MessageSid": sid, "AccountSid": ACCOUNT, "From": f"whatsapp:{phone}",
        "ApiVersion": "2010-04-01", "FromCountry": "", "ToCountry": "", "FromCity": "", "FromZip": "",
    }  # fmt: skip
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {sign(url, form)}\r\n\r\n"
    )
    return sid, head.encode() + body


def phones(first: int) -> Iterator[str]:
    for number in itertools.count(first):
        yield f"+92399{number:07d}"


def steps(began: float, place: int, connections: int, rate: float) -> Iterator[float]:
    """When one of so many connections is due each time, if all are to make one even pace; at once without a rate."""
    return (began + turn / rate for turn in itertools.count(place, connections)) if rate else itertools.repeat(began)


async def answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.find(b"\r\n", at)]))
    return int(head[9:12])


async def talk(
    port: int,
    url: str,
    path: str,
    *,
    connections: int,
    seconds: float,
    first: int,
    rate: float = 0.0,
    script: Sequence[str] = SCRIPTS["report"],
) -> Measured:
    """Keep `connections` phones talking for `seconds`; `rate` > 0 paces them to so many turns a second in all."""
    measured = Measured()
    numbers = phones(first)
    began = time.perf_counter()
    end = began + seconds

    async def one(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = ((phone, text) for phone in numbers for text in script)
        for due, (phone, text) in zip(steps(began, place, connections, rate), said, strict=False):
            if due >= end:
                break
            await asyncio.sleep(due - time.perf_counter())
            if time.perf_counter() >= end:
                break
            _, wire = request(url, path, phone, text)
            started = time.perf_counter()
            measured.posted[f"whatsapp:{phone}"] = time.monotonic()
            writer.write(wire)
            status = await answer(reader)
            measured.latencies.append(time.perf_counter() - started)
            measured.bad += status != 200
        writer.close()

    await asyncio.gather(*(one(place) for place in range(connections)))
    measured.seconds = time.perf_counter() - began
    return measured
