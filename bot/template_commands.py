"""`jawab templates …`: the texts that WhatsApp lets through after a day, and what has become of them there."""

from __future__ import annotations

import typer

from store import terminal
from store.terminal import AsJson

templates_app = typer.Typer(
    no_args_is_help=True, help="Texts for people who wrote longer ago than WhatsApp allows: each needs its approval."
)


@templates_app.command("sync")
def sync(context: typer.Context, as_json: AsJson = False) -> None:
    """Make what is missing for each text and language, hand it in for approval, and look up the rest.

    Can be run again at any time. A changed text is handed in anew, and until it is approved the neutral one goes out.
    """
    from bot import templates  # noqa: PLC0415 - the providers' packages are for the commands that need them

    done = terminal.run(context, templates.sync, templates.Refused)
    if as_json:
        terminal.show_json(dict(done))
    else:
        terminal.out.print(f"made {done['made']}, refused {done['refused']}, looked up {done['looked up']}")
        terminal.out.print("approval takes minutes to days; `jawab templates status` says how far it is")


@templates_app.command("status")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what is approved for each language, under which code it stands, and why something is not."""
    from bot import templates  # noqa: PLC0415 - as above

    shown = terminal.run(context, templates.status, templates.Refused)
    terminal.show(shown if as_json else templates.summarise(shown), as_json)
