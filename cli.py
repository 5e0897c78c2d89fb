"""`jawab`: the one command. What it can do is in `commands` and in the rooms; this table says where.

Only what is called is imported: `jawab case list` knows no provider and no web server.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from commands import refusals

TABLE = {
    "up": "commands.running:up",
    "reload": "commands.running:reload",
    "web": "commands.running:web",
    "worker": "commands.running:worker",
    "tick": "commands.running:tick",
    "migrate": "commands.house:migrate",
    "seed": "commands.house:seed",
    "backup": "commands.house:backup",
    "restore": "commands.house:restore",
    "play": "flows.commands:play",
    "retention": "store.retention:retention",
    "inventory": "bot.erase_commands:inventory",
    "erase": "bot.erase_commands:erase_here",
    "doctor": "commands.doctor:doctor",
    "jobs": "commands.clockwork:app",
    "keys": "commands.keys:app",
    "flows": "flows.commands:app",
    "texts": "locales.commands:app",
    "audit": "store.commands:audit_app",
    "district": "cases.commands:district_app",
    "office": "cases.commands:office_app",
    "case": "cases.commands:case_app",
    "cost": "cases.commands:cost_app",
    "outside": "cases.outside_commands:outside_app",
    "provider": "cases.provider_commands:provider_app",
    "channel": "bot.commands:channel_app",
    "templates": "bot.template_commands:templates_app",
    "erased": "bot.erase_commands:erased_app",
    "staff": "desk.commands:staff_app",
    "roster": "desk.protected_roster:roster_app",
    "protected": "desk.protected_door:protected_app",
    "edition": "broadcast.commands:edition_app",
    "figures": "broadcast.verify:figures_app",
}


class Commands(Mapping[str, Any]):
    """Each made when it is asked for: a function is one, a Typer is a noun with several."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            module, _, attribute = TABLE[name].partition(":")
            found = getattr(importlib.import_module(module), attribute)
            if isinstance(found, typer.Typer):
                made: Any = typer.main.get_group(found)
            else:
                alone = typer.Typer(add_completion=False)
                alone.command(name)(found)
                made = typer.main.get_command(alone)
            made.name = name
            self._made[name] = made
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLE)

    def __len__(self) -> int:
        return len(TABLE)


class Rooms(TyperGroup):
    """The whole command. `--help` asks for all of them, and so imports all."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = Commands()


app = typer.Typer(
    cls=Rooms, no_args_is_help=True, add_completion=False, help="The grievance number of a district that answers."
)


@app.callback()
def hand_down(context: typer.Context) -> None:
    # Read only when a command asks for it: `--help` works whatever the environment says.
    context.obj = read_settings


def read_settings() -> Any:
    import settings

    return settings.load_running()


def main() -> None:
    try:
        app()
    except tuple(refusals.known()) as refused:
        sys.exit(refusals.tell(refused))


if __name__ == "__main__":
    main()
