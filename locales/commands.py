"""`jawab texts check · sheet · import`: are the catalogs whole, and who has read them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from locales import sheet as sheets
from locales.check import check, stale_reviews
from locales.languages import LANGS
from locales.reviews import count_states

app = typer.Typer(no_args_is_help=True, help="Texts in every language: check them, give them to a speaker to read.")

Language = Annotated[str, typer.Argument(help=f"One of {' '.join(LANGS)}.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: findings, counts and stale signatures.")]


@app.command("check")
def check_texts(as_json: AsJson = False) -> None:
    """Look for gaps, lost placeholders and signs that break on phones; count drafts. Exit 1 if anything is found."""
    findings, counts, stale = check(), count_states(), stale_reviews()
    if as_json:
        shown = {
            "ok": not findings,
            "findings": [asdict(finding) for finding in findings],
            "languages": counts,
            "stale": [{"lang": lang, "key": key} for lang, key in stale],
        }
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.lang} {finding.domain} {finding.key}: {finding.problem}")
        for lang, key in stale:
            typer.echo(f"{lang} {key}: changed since it was signed, a draft again")
        for lang, domains in counts.items():
            told = ", ".join(f"{domain} {n['texts']} ({n['draft']} drafts)" for domain, n in domains.items())
            typer.echo(f"{lang}: {told}")
        typer.echo(f"{len(findings)} findings" if findings else "all texts are there")
    raise typer.Exit(1 if findings else 0)


@app.command()
def sheet(
    lang: Language,
    everything: Annotated[bool, typer.Option("--all", help="Signed texts too, not only drafts.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; otherwise printed.")] = None,
) -> None:
    """Print a review sheet (TSV) for a native speaker: key, English, Urdu, draft, and three columns to fill in."""
    try:
        told = sheets.export(lang, drafts_only=not everything)
    except sheets.Refused as refused:
        raise typer.BadParameter(str(refused)) from None
    if out:
        # The mark at the start is what makes spreadsheet programs read Arabic script as UTF-8.
        out.write_text(told, "utf-8-sig")
    else:
        typer.echo(told, nl=False)


@app.command("import")
def import_sheet(
    lang: Language,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The sheet as the speaker gave it back.")],
) -> None:
    """Take a signed sheet: corrected texts into the catalogs, names and days into reviews.tsv. All rows or none."""
    try:
        taken = sheets.take(lang, sheets.read_sheet(file.read_bytes()))
    except sheets.Refused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{taken.signed} texts signed, {taken.corrected} of them corrected")
