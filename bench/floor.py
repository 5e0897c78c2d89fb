"""What a turn costs that touches nothing outside: its form and signature, the flow's step, the session and its boxes.

Microseconds of CPU a turn, in this process, over whole reports. No server, no database, no bell: whoever speaks the
language, encrypts and knows the flow pays at least this.
"""

from __future__ import annotations

import itertools
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.load import ACCOUNT, SCRIPTS, TOKEN, phones, request
from bot.channels import Inbound, Posted
from bot.channels.twilio import Twilio
from flows.effects import Step
from flows.engine import step
from flows.load import load_book
from flows.model import Event, Known, Session
from flows.play import PLACES
from flows.sessions import dump, restore
from store import contacts, inbox, outbox, sessions
from store.crypto import Keys

REPORTS = 60
KNOWN = Known(at=time.time(), code="9123456789018", district={"en": "Pishin"}, places=PLACES)
URL = "http://127.0.0.1/in/twilio"


def measure() -> dict[str, float]:
    """By part, and all together."""
    book, channel = load_book(), Twilio(account=ACCOUNT, token=TOKEN, public_url="http://127.0.0.1")
    contact, posts, turns = uuid.uuid4(), list[Posted](), list[tuple[Session, Event]]()
    for phone in itertools.islice(phones(0), REPORTS):
        session = Session()
        for text in SCRIPTS["report"]:
            posts.append(_posted(phone, text))
            turns.append((session, Event("message", KNOWN, text=text)))
            session = step(book, *turns[-1]).session
    done = [step(book, *turn) for turn in turns]
    with tempfile.TemporaryDirectory(prefix="jawab-floor-") as folder:
        keys = Keys.create(Path(folder) / "keys" / "master.key")

        def box(message: Inbound, made: Step) -> None:
            contacts.tag(keys, message.channel, message.to, message.address)
            bound, one = sessions.bound_to(contact), uuid.uuid4()
            stored = sessions.close_box(keys, contact, dump(made.session), pending=bool(made.session.quiet_after))
            restore(keys.decrypt(stored, bound))
            keys.put_brief(message.as_dict(), inbox.bound_to(one))
            if made.reply is not None:
                keys.put_brief(made.reply.as_message(), outbox.bound_to(one))

        messages = [channel.read(posted).messages[0] for posted in posts]
        figures = {
            "form_and_signature": _each(channel.read, [(posted,) for posted in posts]),
            "step": _each(lambda *turn: step(book, *turn), turns),
            "session_and_boxes": _each(box, list(zip(messages, done, strict=True))),
        }
    return figures | {"all": round(sum(figures.values()), 1)}


def _posted(phone: str, text: str) -> Posted:
    head, _, body = request(URL, "/in/twilio", phone, text)[1].partition(b"\r\n\r\n")
    lines = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    return Posted("/in/twilio", "", {name.lower(): value for name, _, value in lines}, body, "POST")


def _each(do: Callable[..., object], given: Sequence[tuple[Any, ...]]) -> float:
    """Microseconds of CPU, the best of three times through all of it: asking the clock each time costs more."""
    best = float("inf")
    for _ in range(3):
        before = time.process_time()
        for one in given:
            do(*one)
        best = min(best, time.process_time() - before)
    return round(1e6 * best / len(given), 1)
