"""Twilio's signature of a form: how it is made, and what tells that a signed form was cut apart anew."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
# The signed string has no separators, so a captured request whose text imitates other fields can be cut apart anew.
# What the remains of the true fields look like, wherever the cuts are made:
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
AN_ID = re.compile(r"MessageSid(?:SM|MM)[0-9a-fA-F]{32}")
HAVE_ID = frozenset({"MessageSid", "SmsMessageSid", "OriginalRepliedMessageSid"})
A_SENDER = re.compile(r"From(?:whatsapp:)?\+[1-9][0-9]{4,14}(?=[A-Z])")


def sign(token: str, url: str, params: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """X-Twilio-Signature of a form: one pass over the sorted fields; of a repeated one, each value once."""
    pairs = set(params.items() if isinstance(params, Mapping) else params)
    signed = url + "".join([name + value for name, value in sorted(pairs)])
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def is_cut_anew(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether the string that was signed says something besides its fields: names are strict, the ids of messages in
    it, the text's included, are those of the fields that have one, and senders stand in From or in the text alone.
    """
    signed, ids, senders, text = "", set[int](), set[int](), range(0)
    for name, value in sorted(set(pairs)):
        if not NAME.fullmatch(name):
            return True
        begins = len(signed)
        signed += name + value
        if name in HAVE_ID and SID.match(value):
            ids.add(begins + len(name) - len("MessageSid"))
        elif name == "From":
            senders.add(begins)
        elif name == "Body":
            text = range(begins + len(name), len(signed) + 1)
    if {found.start() for found in AN_ID.finditer(signed)} != ids:
        return True
    return any(
        found.start() not in senders and not (found.start() in text and found.end() in text)
        for found in A_SENDER.finditer(signed)
    )


def other_port(url: str) -> str:
    """The same address with its port left out, or put in: Twilio signs either (its own validator tries both)."""
    parts = urlsplit(url)
    port = 443 if parts.scheme == "https" else 80
    netloc = parts.netloc.rpartition(":")[0] if parts.port else f"{parts.netloc}:{port}"
    return parts._replace(netloc=netloc).geturl()
