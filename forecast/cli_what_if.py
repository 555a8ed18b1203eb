"""The commands that ask what if: levers, scenarios and width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import options, outputs, sheets, terminal_levers, terminal_scenarios, terminal_width
from forecast.errors import FunnelError
from forecast.language import ENGLISH, known, speaking
from forecast.progress import bars
from forecast.question import question_from
from forecast.screen import console
from forecast.sources import load
from forecast.workbook import workbook

Wanted = Annotated[
    float | None,
    typer.Option(min=0.01, max=0.99, help="The chance that is aimed at. Default: the funnel file's, 0.8."),
]


def add_to(app: typer.Typer) -> None:
    app.command()(levers)
    app.command()(scenarios)
    app.command()(width)


def levers(
    source: options.Source = None,
    sample: options.Sample = None,
    wanted: Wanted = None,
    sales: Annotated[
        float | None, typer.Option(min=1, help="Number of sales to trace back to contacts. Default: those missing.")
    ] = None,
    as_of: options.AsOf = None,
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = None,
    fresh: options.Fresh = False,
    lang: options.Lang = ENGLISH,
) -> None:
    """What would change the answer: each lever by one step, and by as much as the wanted chance takes."""
    from forecast.levers import what_would_change  # imports PyMC, which takes seconds

    known(lang)
    with bars() as progress:
        config, answer = answered(source, sample, progress, json, fresh, as_of, period, target, draws, seed, threads)
        level = config.forecast.wanted if wanted is None else wanted
        told = what_would_change(answer.what_if, level, every_lever=True, sales=sales, progress=progress)
    finish({**answer.summary, "levers": told}, json, terminal_levers.show, lang=lang)


def scenarios(
    source: options.Source = None,
    sample: options.Sample = None,
    as_of: options.AsOf = None,
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write scenarios.xlsx, scenarios.csv and scenario_months.csv.")
    ] = None,
    fresh: options.Fresh = False,
    lang: options.Lang = ENGLISH,
) -> None:
    """What the scenarios of the funnel file would bring, by period and month, beside the answer as it is.

    A scenario is a table [scenarios.NAME] of the funnel file: conversion, lead_time, new_deals, amount, price with
    elasticity, lost_clients, leave, join. Capacity is a table [capacity].
    """
    if out is not None:
        outputs.made(out)
    known(lang)
    with bars() as progress:
        config, answer = answered(source, sample, progress, json, fresh, as_of, period, target, draws, seed, threads)
        if not config.scenarios and config.capacity.usual is None:
            raise FunnelError(
                "there are no scenarios", file=config.path,
                remedy='Write some, such as [scenarios."More deals"] with new_deals = 0.1, or a [capacity].',
            )  # fmt: skip
        from forecast.scenarios import joint
        from forecast.scenarios import scenarios as played

        told, simulations = played(answer.what_if, answer.fit, answer.scenario, config, progress)
    summary = {**answer.summary, "scenarios": told}
    if out is not None:
        plain = outputs.finite(summary)
        outputs.write_csv(out / "scenarios.csv", sheets.scenario_periods(told))
        outputs.write_csv(out / "scenario_months.csv", sheets.scenario_months(told))
        table = joint(simulations, answer.months, answer.minor)
        outputs.write_bytes(out / "scenarios.xlsx", workbook(sheets.of_scenarios(plain, table)))
    finish(summary, json, terminal_scenarios.show, out, lang=lang)


def width(
    source: options.Source = None,
    sample: options.Sample = None,
    as_of: options.AsOf = None,
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = None,
    fresh: options.Fresh = False,
    lang: options.Lang = ENGLISH,
) -> None:
    """Where the width of the range comes from, and what more data could narrow."""
    known(lang)
    with bars() as progress:
        config, answer = answered(source, sample, progress, json, fresh, as_of, period, target, draws, seed, threads)
        from forecast import width as module

        told = module.width(answer.what_if, answer.fit, config, progress)
    finish({**answer.summary, "width": told}, json, terminal_width.show, lang=lang)


def answered(
    source: Path | None, sample: str | None, progress: Any, json: Path | None, fresh: bool, as_of: str | None,
    period: list[str] | None, target: list[str] | None, draws: int | None, seed: int | None, threads: int | None,
) -> tuple[Any, Any]:  # fmt: skip
    """The Config and the Answer, without levers."""
    path = options.source_path(source, sample)
    files = outputs.chosen(None, {"json": json})
    progress("Reading the rows", 0, 0)
    config, tables = load(path)
    outputs.spare_inputs(files, config)
    question = question_from(
        config, tables, as_of=as_of, period=period or None, target=target or None, draws=draws, seed=seed
    )
    progress("Loading the model", 0, 0)
    from forecast.answer import ask
    from forecast.kept import kept_for

    fits = kept_for(config, fresh=fresh)
    return config, ask(config, tables, question, progress=progress, threads=threads, fits=fits, levers=False)


def finish(
    summary: dict[str, Any], json: Path | None, show: Callable[..., None], out: Path | None = None, *, lang: str
) -> None:
    """Write the JSON that was asked for, and show the answer."""
    plain = outputs.finite(summary)
    files = {} if json is None else {"json": json}
    try:
        if json is not None:
            outputs.write_json(json, outputs.with_files(plain, files))
    finally:
        told = outputs.with_files(plain, files)
        with speaking(lang):
            show({**told, "files": {**told["files"], "out": None if out is None else str(out)}}, console())
