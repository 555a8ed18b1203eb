"""The commands that ask what if: levers, scenarios and width."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import options, outputs, sheets, terminal_levers, terminal_scenarios, terminal_width
from forecast.commands import answered, finish, told
from forecast.config import Config
from forecast.errors import FunnelError
from forecast.progress import bars
from forecast.workbook import workbook


def add_to(app: typer.Typer) -> None:
    for command in (levers, scenarios, width):
        app.command()(options.spread(command))


def levers(
    asked: options.Asking,
    wanted: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="The chance that is aimed at. Default: the funnel file's, 0.8."),
    ] = None,
    sales: Annotated[
        float | None, typer.Option(min=1, help="Number of sales to trace back to contacts. Default: those missing.")
    ] = None,
) -> None:
    """What would change the answer: each lever by one step, and by as much as the wanted chance takes."""

    def more(config: Config, answer: Any, progress: Any) -> dict[str, Any]:
        from forecast.levers import what_would_change  # imports PyMC, which takes seconds

        level = config.forecast.wanted if wanted is None else wanted
        return {"levers": what_would_change(answer.what_if, level, every_lever=True, sales=sales, progress=progress)}

    told(asked, terminal_levers.show, more=more)


def scenarios(
    asked: options.Asking,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write scenarios.xlsx, scenarios.csv and scenario_months.csv.")
    ] = None,
) -> None:
    """What the scenarios of the funnel file would bring, by period and month, beside the answer as it is.

    A scenario is a table [scenarios.NAME] of the funnel file: conversion, lead_time, new_deals, amount, price with
    elasticity, lost_clients, leave, join. Capacity is a table [capacity].
    """
    if out is not None:
        outputs.made(out)
    with bars() as progress:
        config, answer = answered(asked, progress)
        if not config.scenarios and config.capacity.usual is None:
            raise FunnelError(
                "there are no scenarios", file=config.path,
                remedy='Write some, such as [scenarios."More deals"] with new_deals = 0.1, or a [capacity].',
            )  # fmt: skip
        from forecast.scenarios import joint
        from forecast.scenarios import scenarios as played

        found, simulations = played(answer.what_if, answer.fit, answer.scenario, config, progress)
    summary = {**answer.summary, "scenarios": found}
    if out is not None:
        plain = outputs.finite(summary)
        outputs.write_csv(out / "scenarios.csv", sheets.scenario_periods(found))
        outputs.write_csv(out / "scenario_months.csv", sheets.scenario_months(found))
        table = joint(simulations, answer.months, answer.minor)
        outputs.write_bytes(out / "scenarios.xlsx", workbook(sheets.of_scenarios(plain, table)))
    finish(summary, asked, terminal_scenarios.show, out)


def width(asked: options.Asking) -> None:
    """Where the width of the range comes from, and what more data could narrow."""

    def more(config: Config, answer: Any, progress: Any) -> dict[str, Any]:
        from forecast import width as module

        return {"width": module.width(answer.what_if, answer.fit, config, progress)}

    told(asked, terminal_width.show, more=more)
