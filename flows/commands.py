"""`jawab flows …` and `jawab play`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import locales
from flows.book import Book
from flows.budget import draw_table
from flows.check import check as find_faults
from flows.draw import draw as draw_flows
from flows.load import Refused, load_book
from flows.play import play as play_flows
from locales.channels import CHANNELS

app = typer.Typer(help="What is asked, and in what order.", no_args_is_help=True)


def _stop(line: str) -> NoReturn:
    typer.echo(f"jawab: {line}", err=True)
    raise typer.Exit(2)


def _load() -> Book:
    try:
        return load_book()
    except Refused as refused:
        _stop(str(refused))


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Lost nodes, dead ends, missing or too long texts, options that cannot be reached. Exit 1 if there is one."""
    findings = find_faults(_load())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            lang = f" [{finding.lang}]" if finding.lang else ""
            typer.echo(f"{finding.where}{lang}: {finding.rule}: {finding.problem}")
        typer.echo(f"{len(findings)} found" if findings else "nothing found")
    if findings:
        raise typer.Exit(1)


@app.command()
def table(
    write: Annotated[bool, typer.Option("--write", help="Put it into docs/conversation.md.")] = False,
) -> None:
    """What a report costs its writer: messages, SMS parts and words, by path, language and channel."""
    drawn = draw_table(_load())
    if not write:
        typer.echo(drawn, nl=False)
        return
    before, _, rest = PAPER.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAPER.write_text(f"{before}{BEGIN}\n{drawn}{END}{after}", "utf-8")


PAPER = Path(__file__).parents[1] / "docs" / "conversation.md"
BEGIN, END = "<!-- table -->", "<!-- end -->"


@app.command()
def draw(
    flow: Annotated[str, typer.Argument(help="One flow; all of them if none is given.")] = "",
    lang: Annotated[str, typer.Option(help="Language of the texts in it.")] = "en",
) -> None:
    """The flows as a Mermaid diagram."""
    book = _load()
    if flow and flow not in book.starts:
        _stop(f"no flow {flow!r}; there are {', '.join(sorted(book.starts))}")
    typer.echo(draw_flows(book, flow, lang), nl=False)


@app.command()
def play(
    lang: Annotated[str, typer.Option(help=f"Begin with this language chosen: {' '.join(locales.ALL_LANGS)}.")] = "",
    channel: Annotated[str, typer.Option(help="sms, whatsapp, telegram, gateway or try.")] = "sms",
) -> None:
    """Talk to the flows in this terminal; the transcript is printed at the end. Nothing is stored."""
    if lang and lang not in locales.ALL_LANGS:
        _stop(f"no language {lang!r}; there are {', '.join(locales.ALL_LANGS)}")
    if channel not in CHANNELS:
        _stop(f"no channel {channel!r}; there are {', '.join(CHANNELS)}")
    play_flows(_load(), lang or None, channel, write=typer.echo)
