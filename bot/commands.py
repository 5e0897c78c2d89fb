"""`jawab channel …`: the numbers that people write to, each with its own account where it has one."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from store import terminal
from store.channels import NotAdded
from store.jawab import Jawab
from store.terminal import AsJson

if TYPE_CHECKING:
    from bot.channels import Ask, Channel

channel_app = typer.Typer(no_args_is_help=True, help="The numbers that people write to.")

Which = Annotated[str, typer.Argument(help="Its name, or its number.")]
TOLD = {
    "district_unserved": "this district is not served here: `jawab district add`",
    "channel_taken": "another district has this number",
    "name_taken": "another number of this provider has this name",
}
TOO_OPEN = (
    "{name} is a secret and does not belong on the command line, where the shell keeps it: it is asked for without"
    " being shown, or read with --stdin"
)
SECRETS = frozenset({"secret", "token", "password", "key"})  # whatever the provider calls its own


class Unusable(Exception):
    """What was typed cannot be used, in one line."""


@dataclass(slots=True)
class Given:
    """The settings of one number as an operator gives them; `made` are those that were made here."""

    values: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """For the doctor."""
    from bot import numbers, templates  # noqa: PLC0415 - the providers' packages are for the commands that need them

    return [*await numbers.find_wrong(jawab), *await templates.find_wrong(jawab)]


@channel_app.command("add", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def add(  # noqa: PLR0917 - typer reads the signature
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="What it is: sms, whatsapp …")],
    address: Annotated[str, typer.Argument(help="The number, such as +92810000001.")],
    district: Annotated[str, typer.Argument(help="The district it belongs to.")],
    provider: Annotated[str, typer.Option(help="Who carries it; the first one that can, if left out.")] = "",
    name: Annotated[str | None, typer.Option(help="With an account of its own: the name of its web hook.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="name=value of a setting that is no secret.")
    ] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read settings as JSON or name=value lines.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a number to a district. With --name it gets an account of its own, and what that needs is asked for."""
    from bot import numbers, registry  # noqa: PLC0415 - the providers' packages are for the commands that need them

    provider = provider or next((one.provider for one in registry.CHANNELS if kind in one.kinds), "")
    try:
        _refuse_secrets(registry.CHANNELS, [kind, address, district, *context.args], settings or [])
        given = Given(dict(_pair(one) for one in settings or ()))
        if stdin:
            given.values |= _read_settings(sys.stdin.read())
        if name is not None:
            _complete(registry.PROVIDERS.get(provider), given, quiet=stdin)
        elif given.values:
            _refuse("settings belong to a number with an account of its own: give it a --name")
    except Unusable as unusable:
        typer.echo(f"jawab: {unusable}", err=True)
        raise typer.Exit(2) from None
    shown = terminal.run(
        context,
        lambda jawab: numbers.add(
            jawab,
            kind=kind,
            provider=provider,
            address=address,
            district_id=district,
            name=name,
            settings=given.values if name is not None else None,
        ),
        numbers.Refused,
        NotAdded,
        told=_plainly,
    )
    if as_json:
        terminal.show_json({**shown, "made": given.made})
        return
    terminal.out.print(f"{shown['address']} ({kind}) answers for {district}")
    terminal.out.print(f"web hook to give to the provider: {shown['hook']}", soft_wrap=True)
    for setting, value in given.made.items():
        terminal.out.print(f"{setting}, made here and shown this once: {value}", soft_wrap=True)
    if shown["untold"]:
        terminal.out.print(
            f"the provider was not told of it: {shown['untold']}; again with `jawab channel test {name} --connect`",
            soft_wrap=True,
        )
    for step in shown["steps"]:
        terminal.out.print(f"- {step}", soft_wrap=True)
    if shown["state"] != "ready":
        terminal.out.print(f"not ready yet: {shown['state']}")


@channel_app.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """The numbers that people write to, and whether each is ready."""
    from bot import numbers  # noqa: PLC0415 - the providers' packages are for the commands that need them

    rows = terminal.run(context, numbers.list_all)
    terminal.show(
        rows if as_json else [numbers.shorten(row) for row in rows], as_json, "no number yet: `jawab channel add`"
    )


@channel_app.command("test")
def probe(
    context: typer.Context,
    which: Which,
    connect: Annotated[bool, typer.Option(help="First tell the provider again where our web hook is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try its account at the provider, to no effect. Exit 1 if anything is wrong."""
    from bot import numbers  # noqa: PLC0415 - the providers' packages are for the commands that need them

    found = terminal.run(context, lambda jawab: numbers.probe(jawab, which, connect=connect), numbers.Refused)
    if as_json:
        terminal.show_json(found)
    else:
        for row in found:
            terminal.out.print(f"{row['channel']} ({row['provider']}): {row['why'] or 'well'}")
    raise typer.Exit(0 if all(row["well"] for row in found) else 1)


@channel_app.command("remove")
def remove(
    context: typer.Context,
    which: Which,
    retire: Annotated[bool, typer.Option(help="Switch it off: nothing comes or goes, its history stays.")] = False,
) -> None:
    """Take a number away that nobody has written to; others are switched off with --retire."""
    from bot import numbers  # noqa: PLC0415 - the providers' packages are for the commands that need them

    done = terminal.run(context, lambda jawab: numbers.remove(jawab, which, retire=retire), numbers.Refused)
    terminal.out.print(done)


def _plainly(refused: Exception) -> str:
    return TOLD[refused.reason] if isinstance(refused, NotAdded) else str(refused)


def _refuse(why: str) -> None:
    raise Unusable(why)


# ── what was typed ───────────────────────────────────────────────────────────────────────────────────────────────────
def _refuse_secrets(channels: tuple[type[Channel], ...], words: list[str], settings: list[str]) -> None:
    """Refuse a secret that stands on the command line, and what nobody knows. No value is repeated."""
    secrets = SECRETS | {ask.name for channel in channels for ask in channel.asks({}) if ask.secret}
    for option in [word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")]:
        name = option.replace("-", "_")
        _refuse(TOO_OPEN.format(name=name) if name in secrets else f"no such option: --{option}")
    for name in [one.partition("=")[0] for one in settings]:
        if name in secrets:
            _refuse(TOO_OPEN.format(name=name))
    if len(words) > 3:
        _refuse("too many words: a kind, a number and a district")


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip():
        raise Unusable("a setting is given as name=value")
    return name.strip(), value.strip()


def _read_settings(text: str) -> dict[str, str]:
    """{"name": "value"} as JSON, or a name=value a line."""
    if not text.lstrip().startswith("{"):
        return dict(_pair(line) for line in text.splitlines() if line.strip())
    try:
        found = json.loads(text)
    except ValueError:
        raise Unusable("standard input is neither JSON nor name=value lines") from None
    if not all(isinstance(value, str) for value in found.values()):
        raise Unusable("settings are texts")
    return dict(found)


def _complete(channel: type[Channel] | None, given: Given, *, quiet: bool) -> None:
    """Ask for every setting that is not given yet, unless `quiet`; make what can be made; refuse what cannot be."""
    from bot.channels import first_fault  # noqa: PLC0415 - as above

    if channel is None:
        raise Unusable("nobody here carries such a number: see --provider")
    values, asked = given.values, set[str]()
    while ask := next((one for one in channel.asks(values) if one.name not in asked), None):
        asked.add(ask.name)
        if not values.get(ask.name) and not quiet:
            values[ask.name] = _prompt(ask)
        if not values.get(ask.name):
            values[ask.name] = ask.default() if ask.default is not None else ""
            given.made |= {ask.name: values[ask.name]} if ask.secret and values[ask.name] else {}
    if unknown := sorted(set(values) - asked):
        raise Unusable(f"{channel.provider} has no setting {unknown[0]}")
    if fault := first_fault(channel, values):
        raise Unusable(fault)
    given.values = {name: value for name, value in values.items() if value}


def _prompt(ask: Ask) -> str:
    def fits(value: str) -> str:
        if value.strip() and not re.fullmatch(ask.pattern, value.strip()):
            raise typer.BadParameter("it does not look like one")
        return value.strip()

    answer: str = typer.prompt(
        ask.says,
        hide_input=ask.secret,
        default=None if ask.default is None else "",
        show_default=False,
        value_proc=fits,
    )
    return answer
