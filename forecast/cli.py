"""The command line: it reads options, calls other modules, and prints what they return."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from forecast import (
    cli_answers,
    cli_company,
    cli_trend,
    cli_what_if,
    drafting,
    lab,
    options,
    outputs,
    places,
    record,
    runs,
    setup,
    sheets,
    templates,
    terminal,
    terminal_backtest,
    terminal_check,
    trend,
)
from forecast.commands import read
from forecast.errors import FunnelError
from forecast.executors import executor, placed
from forecast.language import say, speaking
from forecast.progress import bars
from forecast.screen import console
from forecast.sources import load
from forecast.told import Told
from forecast.windows import usual_horizon, windows
from forecast.workbook import workbook

app = typer.Typer(
    help="Can this sales funnel reach its target?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """The entry point: a user's mistake becomes a short message on stderr and exit code 2."""
    try:
        app(prog_name="funnel")
    except FunnelError as error:
        print(f"funnel: {error}", file=sys.stderr)
        sys.exit(2)


@app.callback()
def funnel() -> None:
    """Can this sales funnel reach its target?"""


@app.command()
def init(
    source: Annotated[
        Path | None, typer.Argument(help="A file of rows, or a folder with deals and stage_history.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it (default: funnel.toml beside the rows).")] = None,
    template: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Stages and assumptions of: {', '.join(templates.names())}.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of the template's stages: en or fr.", show_default="en")] = None,
    pipeline: Annotated[str | None, typer.Option(metavar="NAME", help="The one to read, of several.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Draft a commented funnel file from the columns that are found, from a template, or from both."""
    if source is None and template is None:
        remedy = f"Name a file of rows, or --template {templates.names()[0]} (or another)."
        raise FunnelError("there is nothing to draft from", remedy=remedy)
    if language is not None and template is None:
        remedy = "Name one with --template, or leave --language out: stages of rows are called as the rows call them."
        raise FunnelError("--language is that of a template, and none is named", remedy=remedy)
    beside = Path() if source is None else source if source.is_dir() else source.parent
    target = out or beside / "funnel.toml"
    if target.exists() and not force:
        remedy = "Choose another name with --out, or overwrite it with --force."
        raise FunnelError("this file is there already", file=target, remedy=remedy)
    drafted = drafting.draft(source or target.parent, template, language or "en", pipeline, folder=target.parent)
    outputs.write_text(target, drafted.text)
    terminal_check.show_draft(drafted, target, console())


@app.command()
def check(
    source: Annotated[Path, typer.Argument(help="A funnel file (TOML), a folder with one, or a CSV or Parquet file.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write what was found as CSV as well.")] = None,
) -> None:
    """Say what was understood of the data, what was set aside, and which questions they can answer."""
    files = outputs.writable({"out": out})
    config, tables = load(source)
    outputs.spare_inputs(files, config)
    seen = setup.understood(config, tables)
    terminal_check.show(seen, console())
    if out is not None:
        outputs.write_csv(out, seen.table())
        console().print(f"Wrote {escape(str(out))}.", soft_wrap=True)


@app.command()
@options.spread
def forecast(
    asked: options.Several,
    samples: Annotated[
        Path | None,
        typer.Option(metavar="FILE.parquet", help="Write the amount won by simulation and month."),
    ] = None,
    deals: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write what to expect of every open deal.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page to read, with figures, and to print.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write all of these files into this folder.")] = None,
    past: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="The backtest.json to quote. Default: the funnel's own, if any."),
    ] = None,
) -> None:
    """The probability that the funnel reaches its target, with what it rests on.

    Day, periods, targets, draws and seed that are not given are taken from the funnel file. Several funnels of one
    company are simulated on the same good and bad months, and summed; their targets are, too.
    """
    files = outputs.chosen(out, {"json": asked.json, "samples": samples, "deals": deals, "report": report})
    if asked.more:
        if asked.sample is not None or past is not None:
            raise FunnelError("--sample and --record are about one funnel", remedy="Ask about each funnel alone.")
        cli_company.together(asked, files, out)
        return
    with bars() as progress:
        files, config, tables = read(asked, files, progress)
        question = asked.question(config, tables)
        found = past or record.at_hand(config, asked.sample)
        board = None if found is None else record.read(found)
        if past is not None and board is not None and not record.is_of(board, config):
            raise FunnelError(
                f"is the backtest of '{board['funnel']}'", file=past, remedy="Name the backtest.json of this funnel."
            )
        placed(asked.threads, asked.cluster)
        progress("Loading the model", 0, 0)
        from forecast.answer import ask  # imports PyMC, which takes seconds
        from forecast.kept import kept_for

        answer = ask(
            config, tables, question, progress=progress, threads=asked.threads, cluster=asked.cluster,
            deal_detail="deals" in files, past=board, fits=kept_for(config, fresh=asked.fresh),
        )  # fmt: skip
    if moved := trend.so_far(runs.read(places.folder_of(config)), answer.summary):
        answer.summary["trend"] = moved
    summary = outputs.finite(answer.summary)
    told = outputs.with_files(summary, {})
    try:
        outputs.write(
            files, summary, answer.samples, answer.deals, lambda: _page(answer, asked.lang),
            lambda: workbook(sheets.of_answer(summary, answer.samples(), answer.deals())),
        )  # fmt: skip
        told = outputs.with_files(summary, files)
    finally:  # the answer is shown also where the disk is full
        with speaking(asked.lang):
            terminal.show(told, console())
    runs.note(places.folder_of(config), summary)


def _page(answer: Told, lang: str) -> str:
    from forecast.report import page  # imports Plotly

    return page(answer, lang)


@app.command()
@options.spread
def backtest(
    asked: options.Funnel,
    origins: Annotated[
        list[str] | None,
        typer.Option(metavar="DAYS", help="FIRST..LAST or one day; may be repeated. Default: all that can be scored."),
    ] = None,
    every: options.Every = "month",
    horizon: Annotated[
        str | None,
        typer.Option(help="quarter, month or year (its rest), or 28d, 4w, 3m. Default: as the funnel file asks."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Score its groups too (default: teams).")] = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    jobs: Annotated[int, typer.Option(min=1, help="Questions asked at once, in processes.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Ask on this Dask cluster, e.g. tcp://10.0.0.1:8786.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results are kept. Default: backtest/ beside the funnel file."),
    ] = None,
) -> None:
    """Ask past days what is known by now, and score the answers beside what others would have said.

    An interrupted run goes on where it stopped. `funnel forecast` quotes the record that this leaves.
    """
    with bars() as progress:
        _, config, tables = read(asked, {}, progress)
        length = horizon or usual_horizon([period for period, _ in config.periods()])
        past = windows(
            tables,
            origins=origins or (),
            every=every,
            horizon=length,
            fiscal_year_starts=config.funnel.fiscal_year_starts,
        )
        folder = out or record.folder_of(config, asked.sample)
        progress("Loading the model", 0, 0)
        from forecast.backtest import Settings, backtest, grouping_of  # imports PyMC, which takes seconds
        from forecast.scoreboard import scoreboard

        settings = Settings(
            draws=config.forecast.draws if draws is None else draws,
            seed=config.forecast.seed if seed is None else seed,
            grouping=grouping_of(tables, by),
            horizon=length,
        )
        if cluster is not None and jobs > 1:
            raise FunnelError("--jobs and --cluster were both given", remedy="Give one of them.")
        with executor(jobs, cluster) as pool:
            cases = backtest(config, tables, past, settings, folder=folder, executor=pool, progress=progress)
        board = scoreboard(config, past, settings, cases)
    file = folder / record.FILE
    larger = record.spared(file, board)
    outputs.write_json(file, board)
    shown = console()
    with speaking(asked.lang):
        terminal_backtest.show(outputs.finite(board), shown)
        shown.print(Text(f"\n{say('File:')} {file}"), soft_wrap=True)
        if larger is not None:
            shown.print(
                Text(say("The record of more questions that was there is now {file}.", file=larger)), soft_wrap=True
            )


cli_answers.add_to(app)
cli_what_if.add_to(app)
cli_trend.add_to(app)


@app.command("lab", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where the copies are.")] = Path("funnel-notebooks"),
) -> None:
    """Open JupyterLab on copies of the notebooks; further options (--no-browser, --port 8890) go to JupyterLab."""
    lab.check()
    new = lab.copied(folder)
    console().print(Text(f"{len(new)} notebooks copied to {folder}; those that were there are as they were."))
    if code := lab.opened(folder, context.args):
        raise typer.Exit(code)


if __name__ == "__main__":
    main()
