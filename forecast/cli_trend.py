"""The commands that follow an answer over time: trend, bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import commands, options, outputs, places, runs, terminal_trend, trend
from forecast.language import speaking
from forecast.progress import bars
from forecast.screen import console
from forecast.windows import days_named


def add_to(app: typer.Typer) -> None:
    app.command("trend")(options.spread(follow))
    app.command("bridge")(options.spread(walk))


def follow(
    asked: options.Targets,
    origins: Annotated[
        list[str] | None,
        typer.Option(metavar="DAYS", help="Ask as of these days too, where not done yet: FIRST..LAST or one day."),
    ] = None,
    every: options.Every = "month",
    out: options.Csv = None,
) -> None:
    """How the answers moved from forecast to forecast: chance, range, GAP, RTV by the day of asking.

    Every `funnel forecast` is noted. With --origins, past days are asked as well, with only what was known then.
    """
    with bars() as progress:
        files, config, tables = commands.read(asked, {"json": asked.json, "out": out}, progress)
        days = days_named(origins or (), every)
        question = asked.question_as_of(days[0].date() if days else None, config, tables)
        log = runs.read(places.folder_of(config))
        past = [trend.question_as_of(question, day) for day in days]
        log, refused = trend.ask_missing(config, tables, log, past, progress)
        board = outputs.finite(trend.trend(config, tables, log, question, refused))
    _write(files, board, trend.table)
    with speaking(asked.lang):
        terminal_trend.show_trend(board, console())


def walk(
    asked: options.Fitting,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The earlier day. Default: a month before --to.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The later day. Default: as for forecast.")
    ] = None,
    out: options.Csv = None,
) -> None:
    """What moved the answer between two days: deals won, lost, moved, aged, re-sized, created, and what was learned."""
    with bars() as progress:
        files, config, tables = commands.read(asked, {"json": asked.json, "out": out}, progress)
        now = asked.question_as_of(last, config, tables)
        then = trend.question_as_of(now, trend.earlier(now, first))
        progress("Loading the model", 0, 0)
        from forecast import bridge  # imports PyMC, which takes seconds
        from forecast.answer import ask
        from forecast.kept import kept_for

        answers = [
            ask(
                config, tables, question, threads=asked.threads, fits=kept_for(config, fresh=asked.fresh),
                progress=trend.as_of_day(question, progress), levers=False,
            )
            for question in (then, now)
        ]  # fmt: skip
        progress("Walking the bridge", 0, 0)
        board = outputs.finite(bridge.bridge(*answers, threads=asked.threads))
    _write(files, board, bridge.table)
    with speaking(asked.lang):
        terminal_trend.show_bridge(board, console())


def _write(files: dict[str, Path], board: dict[str, Any], table: Any) -> None:
    if "json" in files:
        outputs.write_json(files["json"], board)
    if "out" in files:
        outputs.write_csv(files["out"], table(board))
