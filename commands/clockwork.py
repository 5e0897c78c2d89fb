"""`jawab jobs`: the periodic jobs, and one of them run by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from store import terminal

app = typer.Typer(help="The periodic jobs: when each last ran, and what became of it.")


@app.callback(invoke_without_command=True)
def list_jobs(context: typer.Context, as_json: terminal.AsJson = False) -> None:
    """List the periodic jobs with their last run."""
    if context.invoked_subcommand is None:
        import clockwork

        runs = terminal.run(context, clockwork.list_runs)
        terminal.show(runs if as_json else [clockwork.shorten(run) for run in runs], as_json)


@app.command("run")
def run_job(context: typer.Context, name: Annotated[str, typer.Argument(help="As `jawab jobs` lists it.")]) -> None:
    """Run one job now, whether it is due or not. Exit 1 where it fails, or is at work already."""
    import clockwork

    ended = terminal.run(
        context, lambda jawab: clockwork.run_now(jawab, name), clockwork.NotRun, roles=("intake", "console", "custody")
    )
    terminal.out.print(f"{name}: {ended.error or 'done'} in {ended.seconds:.1f} s")
    raise typer.Exit(1 if ended.error else 0)
