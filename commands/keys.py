"""`jawab keys`: fingerprints of the house's keys, and a new one."""

from __future__ import annotations

from typing import Any

import typer

import settings as environment
from settings import Misconfigured, Settings
from store import terminal
from store.crypto import Keys, fingerprint

app = typer.Typer(no_args_is_help=True, help="The house's key file: fingerprints, and a new key.")


@app.command("show")
def show_keys(as_json: terminal.AsJson = False) -> None:
    """Fingerprints of the keys that are here, which may be told: compare them with those of the backup."""
    terminal.show(tell_keys(environment.load()), as_json)


@app.command("rotate")
def rotate_keys() -> None:
    """A new house key for all that is written from the next start on; those of before go on opening what they wrote."""
    from house import process

    here = environment.load()
    if not here.key_file.is_file():
        raise Misconfigured(f"jawab: no key file at {here.key_file} (JAWAB_DATA)")
    process.own_folder(here.data / "run")
    if process.take_lock(here.data / "run" / "lock") is None:
        raise Misconfigured("jawab: it runs: stop it first, what runs would not read what the new key writes")
    Keys.rotate(here.key_file)
    terminal.show(tell_keys(here), as_json=False)
    terminal.out.print(
        "  Copy master.key to its two places and to every machine, stop what still runs there, then start again."
    )


def tell_keys(here: Settings) -> list[dict[str, Any]]:
    """{"key", "fingerprint", "does"} of each key of this folder. Raises `Malformed`."""
    keys = Keys.load(here.key_file)
    last = len(keys.masters) - 1
    rows = [
        {
            "key": f"house {number}",
            "fingerprint": shown,
            "does": ", ".join(
                [*(["encrypts"] if number == 1 else []), "opens", *(["addresses and codes"] if number > last else [])]
            ),
        }
        for number, shown in enumerate(keys.fingerprints, 1)
    ]
    if keys.escrow_public:
        rows.append({"key": "escrow", "fingerprint": fingerprint(keys.escrow_public), "does": "sealed cases"})
    return rows
