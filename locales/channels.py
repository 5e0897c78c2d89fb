"""What each channel can carry, and how a text falls into SMS parts. A pure table: flows, broadcast and desk ask it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one kind of channel. Lengths are UTF-16 code units, which is what providers count."""

    body: int  # longest text of one message
    rate: float  # messages (for SMS: parts) a second that one sender of ours may send
    parts: bool = False  # paid and sent in SMS parts
    window_hours: int | None = None  # free text only this long after the citizen wrote; None = always
    list_rows: int = 0  # rows of one list message; 0 = no lists
    row_units: int = 0
    buttons: int = 0  # quick-reply buttons of one message; 0 = none
    button_units: int = 0
    interactive_body: int = 0  # longest text above buttons or a list
    pair_seconds: int = 0  # sustained pace to one person; short bursts are allowed
    bubble_seconds: float = 3  # between two messages of somebody who says one thing in several
    isolates: bool = True  # shows U+2066..2069 as nothing; old phones show a box for them in SMS


# Sources: Twilio and Meta's documents (1600 characters through Twilio, 1024 under a list or buttons, list of 10 rows of
# 24, 3 quick replies of 20, 24-hour window, one message in 6 s to the same person), Telegram's Bot API (4096; 100
# inline buttons). A gateway's own preset may say less. Rates: 80 a second per WhatsApp sender is Twilio's and Meta's
# figure; 10 SMS parts is Twilio's default for a name as sender; a phone as gateway has no published figure; Telegram
# takes about 30 in all; the page at /try reads the database. Seconds between bubbles are chosen, not measured: parts of
# a long SMS come further apart.
CHANNELS: dict[str, Limits] = {
    "sms": Limits(body=1600, rate=10.0, parts=True, bubble_seconds=8, isolates=False),
    "gateway": Limits(body=1600, rate=1.0, parts=True, bubble_seconds=8, isolates=False),
    "whatsapp": Limits(
        body=1600,
        rate=80.0,
        window_hours=24,
        list_rows=10,
        row_units=24,
        buttons=3,
        button_units=20,
        interactive_body=1024,
        pair_seconds=6,
    ),
    "telegram": Limits(body=4096, rate=30.0, buttons=100, button_units=64, interactive_body=4096, pair_seconds=1),
    "try": Limits(
        body=1600, rate=1000.0, list_rows=10, row_units=24, buttons=3, button_units=20, interactive_body=1024
    ),
}

# One part, and each part of several: a concatenated part gives six bytes to its header.
GSM_ONE, GSM_MANY = 160, 153
UCS2_ONE, UCS2_MANY = 70, 67

# 3GPP TS 23.038, default alphabet and its extension table. National shift tables are left out on purpose: Urdu's lacks
# ئ and غ, fits under half of real sentences, and phones seldom send it.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")


def _gsm_cost(char: str) -> int:
    return 2 if char in GSM_EXTENSION else 1


def _ucs2_cost(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


def is_gsm(text: str) -> bool:
    """Whether every character is in GSM-7; one that is not makes the whole message UCS-2."""
    return all(char in GSM_BASIC or char in GSM_EXTENSION for char in text)


def sms_parts(text: str) -> tuple[str, ...]:
    """The SMS parts `text` is sent as, in order; `len()` of it is what is paid. Joined they are `text`.

    A character that costs two units (a GSM-7 escape, a surrogate pair) is never cut in half: it opens the next part,
    so a text can need one part more than division would say. An empty text is one empty part.
    """
    cost, one, many = (_gsm_cost, GSM_ONE, GSM_MANY) if is_gsm(text) else (_ucs2_cost, UCS2_ONE, UCS2_MANY)
    if sum(map(cost, text)) <= one:
        return (text,)
    parts: list[str] = []
    start = used = 0
    for place, char in enumerate(text):
        units = cost(char)
        if used + units > many:
            parts.append(text[start:place])
            start, used = place, 0
        used += units
    return (*parts, text[start:])
