"""Templates at the provider: what is missing is made and handed in for approval, and what became of it is looked up.

A person who wrote longer ago than WhatsApp allows is reached by these alone; see bot.ladder.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import registry
from bot.contents import Approval, Away, Contents, Unwilling
from bot.registry import NoAccount, Unusable
from flows import taps
from locales import languages
from locales import templates as texts
from settings import Settings
from store import audit, channels, templates
from store.crypto import Keys
from store.jawab import Jawab
from store.outbox import claims

PROVIDER, KIND = "twilio", "whatsapp"
DAY = timedelta(days=1)


class Refused(Exception):
    """Why a command is not carried out, in one line."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that WhatsApp numbers of ours hang on."""

    sid: str
    token: str
    api_url: str

    @property
    def contents(self) -> Contents:
        return Contents(self.sid, self.token, self.api_url)


async def sync(jawab: Jawab) -> Counter[str]:
    """Make and hand in what is missing, one for each text and language, and look up the rest.

    Returns how many were made, refused and looked up. A changed text is another template: the old one is deleted there.
    Raises `Refused` where there is no account, or the provider is away; what was done until then is kept.
    """
    done: Counter[str] = Counter()
    for account in await _accounts(jawab):
        async with jawab.db.autocommit("console") as conn:
            kept = {(row.name, row.lang): row for row in await templates.list_all(conn, account.sid)}
        try:
            for name in texts.TEMPLATES:
                for lang in texts.CODES:
                    row = kept.get((name, lang))
                    if (
                        row is not None
                        and row.digest == texts.digest(name, lang)
                        and row.content
                        and row.state != "made"
                    ):
                        continue
                    done[await _make(jawab, account, name, lang, row)] += 1
        except (Away, Unwilling) as fault:
            raise Refused(f"{fault}: what was made is kept, run it again") from None
    done["looked up"] = await refresh(jawab, datetime.now(UTC), again=True)
    return done


async def _make(jawab: Jawab, account: Account, name: str, lang: str, row: templates.Kept | None) -> str:
    """One text to its approval: "made" or "refused". What was made and not handed in, is handed in.

    A language that the provider does not know is refused with its words, and the others go on.
    """
    if faults := texts.find_faults(name, lang):
        raise Refused(f"{name} in {lang} would not be taken: {', '.join(faults)}")
    contents, digest, fault = account.contents, texts.digest(name, lang), ""
    title = f"jawab_{name}_{lang}_{digest}"  # a deleted name may not be used again for a month
    content = row.content if row is not None and row.digest == digest else ""
    if not content:
        try:
            content = await contents.create(
                name=title,
                code=texts.CODES[lang],
                body=texts.write_body(name, lang),
                samples=texts.number(name, lang, texts.SAMPLES),
                buttons={
                    taps.write(node, "", option): shown for node, option, shown in texts.write_buttons(name, lang)
                },
            )
        except Unwilling as unwilling:
            fault = str(unwilling)
        async with jawab.db.transaction("console") as tx:
            await templates.put(
                tx,
                account=account.sid,
                name=name,
                lang=lang,
                code=texts.CODES[lang],
                digest=digest,
                content=content,
                fault=fault,
            )
            await audit.write(tx, "operator", f"template.make:{name}.{lang}", content or fault)
        if row is not None and row.content:
            await contents.delete(row.content)
    if fault:
        return "refused"
    try:
        approval = await contents.submit(content, name=title, category=texts.TEMPLATES[name].category)
    except Unwilling as unwilling:
        approval = Approval("rejected", str(unwilling))
    async with jawab.db.transaction("console") as tx:
        await templates.note(tx, content, approval.state, approval.reason)
    return "refused" if approval.state == "rejected" else "made"


async def refresh(jawab: Jawab, now: datetime, *, again: bool = False) -> int:
    """Ask after every template whose fate is open, and after the others once a day; with `again` after all of them.

    Returns how many were asked after.

    What was approved since wakes the messages that wait for it. Raises `Refused` where the provider is away.
    """
    asked = 0
    async with jawab.db.autocommit("console") as conn:
        kept = [row for row in await templates.list_all(conn) if row.content and (again or _is_open(row, now))]
    accounts = {account.sid: account for account in await _accounts(jawab)} if kept else {}
    for row in kept:
        if row.account not in accounts:
            continue
        try:
            approval = await accounts[row.account].contents.fetch(row.content)
        except Away as away:
            raise Refused(str(away)) from None
        except Unwilling as unwilling:
            raise Refused(f"{row.name} in {row.lang}: {unwilling}") from None
        asked += 1
        state, reason = (approval.state, approval.reason) if approval else ("disabled", "the provider has it no more")
        async with jawab.db.transaction("console") as tx:
            if await templates.note(tx, row.content, state, reason) and state == "approved":
                await claims.look_again(tx)
    return asked


def _is_open(row: templates.Kept, now: datetime) -> bool:
    return row.state in templates.OPEN or row.checked_at is None or now - row.checked_at > DAY


async def status(jawab: Jawab) -> list[dict[str, Any]]:
    """{"account", "template", "language", "code", "borrowed", "state", "reason", "content", "checked"} of each text.

    `borrowed`: the provider has no code for this language, and the text stands under another's. State "missing" where
    nothing was handed in, "changed" where another text was: neither is sent.
    """
    shown = []
    for account in await _accounts(jawab):
        async with jawab.db.autocommit("console") as conn:
            kept = {(row.name, row.lang): row for row in await templates.list_all(conn, account.sid)}
        for name in texts.TEMPLATES:
            for lang, code in texts.CODES.items():
                row = kept.get((name, lang))
                changed = row is not None and row.digest != texts.digest(name, lang)
                shown.append(
                    {
                        "account": account.sid,
                        "template": name,
                        "language": lang,
                        "code": code,
                        "borrowed": lang in texts.BORROWED,
                        "state": "missing" if row is None else "changed" if changed else row.state,
                        "reason": row.reason if row else "",
                        "content": row.content if row else None,
                        "checked": row.checked_at if row else None,
                    }
                )
    return shown


def summarise(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `status` for people: a line for each language, what is not approved by name, the reasons said once."""
    lines = []
    for account in dict.fromkeys(row["account"] for row in shown):
        for lang in texts.CODES:
            rows = [row for row in shown if (row["account"], row["language"]) == (account, lang)]
            states = Counter(row["state"] for row in rows)
            named = [f"{row['template']} {row['state']}" for row in rows if row["state"] != "approved"]
            lines.append(
                {
                    "account": f"{account[:6]}…",
                    "language": f"{lang} ({languages.own_name(lang)})",
                    "code": f"{texts.CODES[lang]} (borrowed: there is none for it)"
                    if lang in texts.BORROWED
                    else texts.CODES[lang],
                    "approved": f"{states['approved']} of {len(rows)}",
                    "not approved": ", ".join(named),
                    "why": "; ".join(dict.fromkeys(row["reason"] for row in rows if row["reason"])),
                }
            )
    return lines


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """For the doctor: WhatsApp numbers of ours that reach nobody after a day, for want of an approved neutral text."""
    try:
        shown = await status(jawab)
    except Refused:
        return []
    without = [row for row in shown if row["template"] == texts.NEUTRAL and row["state"] != "approved"]
    return [{"kind": "whatsapp_templates", "times": len(without), "last": None}] if without else []


async def _accounts(jawab: Jawab) -> list[Account]:
    """The accounts of our WhatsApp numbers, each once. Raises `Refused` where there is none."""
    async with jawab.db.autocommit("console") as conn:
        rows = [row for row in await channels.everything(conn) if (row.provider, row.kind) == (PROVIDER, KIND)]
    found: dict[str, Account] = {}
    faults = []
    for row in rows:
        if row.retired:
            continue
        try:
            account = _open(jawab.settings, jawab.keys, row)
        except (NoAccount, Unusable) as fault:
            faults.append(f"{row.name or row.address}: {fault}")
        else:
            found.setdefault(account.sid, account)
    if not found:
        why = f" ({faults[0]})" if faults else ": `jawab channel add whatsapp`"
        raise Refused(f"no WhatsApp number here has an account at the provider{why}")
    return list(found.values())


def _open(settings: Settings, keys: Keys, row: channels.Row) -> Account:
    values = registry.values_of(settings, keys, row)
    return Account(values["account"], values["token"], values.get("api_url") or settings.twilio_api_url)
