"""The commands that follow an answer over time: trend, bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import options, outputs, places, runs, terminal_trend, trend
from forecast.config import Config
from forecast.language import ENGLISH, known, speaking
from forecast.progress import bars
from forecast.question import question_from
from forecast.screen import console
from forecast.sources import load
from forecast.sources.tables import Tables
from forecast.windows import days_named

Csv = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write the answer as CSV.")]


def add_to(app: typer.Typer) -> None:
    app.command("trend")(follow)
    app.command("bridge")(walk)


def follow(
    source: options.Source = None,
    sample: options.Sample = None,
    origins: Annotated[
        list[str] | None,
        typer.Option(metavar="DAYS", help="Ask as of these days too, where not done yet: FIRST..LAST or one day."),
    ] = None,
    every: Annotated[str, typer.Option(metavar="STEP", help="week, month or quarter between origins.")] = "month",
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    json: options.Json = None,
    csv: Csv = None,
    lang: options.Lang = ENGLISH,
) -> None:
    """How the answers moved from forecast to forecast: chance, range, GAP, RTV by the day of asking.

    Every `funnel forecast` is noted. With --origins, past days are asked as well, with only what was known then.
    """
    known(lang)
    with bars() as progress:
        files, config, tables = _read(source, sample, json, csv, progress)
        days = days_named(origins or (), every)
        first = days[0].date() if days else None
        question = question_from(
            config, tables, as_of=first, period=period or None, target=target or None, draws=draws, seed=seed
        )
        log = runs.read(places.folder_of(config))
        past = [trend.question_as_of(question, day) for day in days]
        log, refused = trend.ask_missing(config, tables, log, past, progress)
        board = outputs.finite(trend.trend(config, tables, log, question, refused))
    _write(files, board, trend.table)
    with speaking(lang):
        terminal_trend.show_trend(board, console())


def walk(
    source: options.Source = None,
    sample: options.Sample = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The earlier day. Default: a month before --to.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The later day. Default: as for forecast.")
    ] = None,
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = None,
    csv: Csv = None,
    fresh: options.Fresh = False,
    lang: options.Lang = ENGLISH,
) -> None:
    """What moved the answer between two days: deals won, lost, moved, aged, re-sized, created, and what was learned."""
    known(lang)
    with bars() as progress:
        files, config, tables = _read(source, sample, json, csv, progress)
        now = question_from(
            config, tables, as_of=last, period=period or None, target=target or None, draws=draws, seed=seed
        )
        then = trend.question_as_of(now, trend.earlier(now, first))
        progress("Loading the model", 0, 0)
        from forecast import bridge  # imports PyMC, which takes seconds
        from forecast.answer import ask
        from forecast.kept import kept_for

        answers = [
            ask(
                config, tables, question, threads=threads, fits=kept_for(config, fresh=fresh),
                progress=trend.as_of_day(question, progress), levers=False,
            )
            for question in (then, now)
        ]  # fmt: skip
        progress("Walking the bridge", 0, 0)
        board = outputs.finite(bridge.bridge(*answers, threads=threads))
    _write(files, board, bridge.table)
    with speaking(lang):
        terminal_trend.show_bridge(board, console())


def _read(
    source: Path | None, sample: str | None, json: Path | None, csv: Path | None, progress: Any
) -> tuple[dict[str, Path], Config, Tables]:
    """The files to write, which can be written, and the funnel."""
    path = options.source_path(source, sample)
    files = outputs.writable({kind: file for kind, file in (("json", json), ("csv", csv)) if file is not None})
    progress("Reading the rows", 0, 0)
    config, tables = load(path)
    outputs.spare_inputs(files, config)
    return files, config, tables


def _write(files: dict[str, Path], board: dict[str, Any], table: Any) -> None:
    if "json" in files:
        outputs.write_json(files["json"], board)
    if "csv" in files:
        outputs.write_csv(files["csv"], table(board))
