"""E-mail to offices: one row of the mails, one message by SMTP.

A server that was never reached, or said "later", took nothing: the message waits. What it may have taken when the line
broke is not sent again: a mail server cannot be asked.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlsplit

import structlog

from cases import ways
from locales import say
from settings import Settings
from store import alarms, mails
from store.jawab import Jawab
from store.mails import MOST_ATTEMPTS, Claimed

log = structlog.get_logger()

PATIENCE = 20.0  # seconds for each answer of the server
HANDFUL = 20
WAIT = timedelta(minutes=1)  # doubled at each further try
WAIT_MOST = timedelta(hours=1)
OK = range(200, 300)
LATER = range(400, 500)


class NotSent(Exception):
    """A message did not go out: `fate` is one of FATES, `code` the server's, for logs and alarms."""

    def __init__(self, fate: str, code: str = "") -> None:
        super().__init__(f"{fate} ({code})")
        self.fate = fate
        self.code = code


@dataclass(frozen=True, slots=True)
class Fate:
    """What an error makes of its row: `counts` a try, and whether a person must hear of it."""

    state: str
    counts: bool
    alarm: bool


FATES = {
    "away": Fate(
        "queued", counts=False, alarm=True
    ),  # nobody there, or our login is not taken: not this message's fault
    "later": Fate("queued", counts=True, alarm=False),
    "refused": Fate("failed", counts=False, alarm=False),
    "unsure": Fate("failed", counts=False, alarm=True),
}


async def deliver(jawab: Jawab, limit: int = HANDFUL) -> Counter[str]:
    """Send up to so many that are due. Returns how many came to which state. Several at once do no harm."""
    counts: Counter[str] = Counter()
    if not jawab.settings.has_mail:
        return counts
    async with jawab.db.autocommit("console") as auto:
        claimed = await mails.claim(auto, limit)
    for mail in claimed:
        message = compose(jawab, mail)
        state, error, wait = "sent", None, timedelta()
        try:
            await asyncio.to_thread(_hand_over, jawab.settings, message)
        except NotSent as failed:
            state, error, wait = await _judge(jawab, mail, failed)
        async with jawab.db.autocommit("console") as auto:
            await mails.record(auto, mail, state, error, wait)
        counts[state] += 1
    return counts


async def _judge(jawab: Jawab, mail: Claimed, failed: NotSent) -> tuple[str, str, timedelta]:
    fate = FATES[failed.fate]
    state = "failed" if fate.counts and mail.attempts >= MOST_ATTEMPTS else fate.state
    log.warning("mail not sent", fate=failed.fate, code=failed.code)
    if fate.alarm:
        async with jawab.db.transaction("console") as tx:
            await alarms.sound(tx, "mail_not_sent", once=("fate",), fate=failed.fate, code=failed.code)
    return state, failed.code or failed.fate, min(WAIT * 2 ** min(mail.attempts, 10), WAIT_MOST)


def compose(jawab: Jawab, mail: Claimed) -> EmailMessage:
    """The message as it goes out. Its id is always the same: whoever gets it twice has it once."""
    kept: dict[str, Any] = jawab.keys.get_json(mail.message, mails.bound_to(mail.id))
    key, values = kept["subject"]
    message = EmailMessage(policy=SMTP)
    message["Subject"] = say(key, mail.lang, **values)
    message["From"] = jawab.settings.smtp_from
    message["To"] = jawab.keys.decrypt(mail.address_box, ways.bound_to(mail.way_id)).decode()
    message["Date"] = mail.claimed_at
    message["Message-ID"] = f"<{mail.id}@{urlsplit(jawab.settings.base_url).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = mail.lang
    text = "\n\n".join(say(key, mail.lang, **values) for key, values in kept["says"])
    message.set_content(f"{text}\n", cte="base64")
    return message


def _hand_over(settings: Settings, message: EmailMessage) -> None:
    """Give one message to the server; blocks. Raises `NotSent`."""
    try:
        server = _connect(settings)
    except (OSError, smtplib.SMTPException) as away:
        raise NotSent("away", _code(away)) from None
    try:
        try:
            _check(server.mail(settings.smtp_from)[0])
            _check(server.rcpt(str(message["To"]))[0])
        except (OSError, smtplib.SMTPException) as away:
            raise NotSent("away", _code(away)) from None
        try:
            _check(server.data(message.as_bytes())[0])
        except smtplib.SMTPDataError as refused:  # it did not want to hear it
            _check(refused.smtp_code)
        except (OSError, smtplib.SMTPException) as broken:
            raise NotSent("unsure", _code(broken)) from None
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _connect(settings: Settings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    host, port = settings.smtp_host, settings.smtp_port
    server = (
        smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context)
        if settings.smtp_security == "tls"
        else smtplib.SMTP(host, port, timeout=PATIENCE)
    )
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
    except BaseException:
        server.close()
        raise
    return server


def _check(code: int) -> None:
    if code not in OK:
        raise NotSent("later" if code in LATER else "refused", str(code))


def _code(error: Exception) -> str:
    """A code of the server, or the kind of error: never its words."""
    return str(getattr(error, "smtp_code", "")) or type(error).__name__
