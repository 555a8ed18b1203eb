"""The commands that ask what if: levers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import options, outputs, terminal_levers
from forecast.progress import bars
from forecast.question import question_from
from forecast.screen import console
from forecast.sources import load

Wanted = Annotated[
    float | None,
    typer.Option(min=0.01, max=0.99, help="The chance that is aimed at. Default: the funnel file's, 0.8."),
]


def add_to(app: typer.Typer) -> None:
    app.command()(levers)


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
) -> None:
    """What would change the answer: each lever by one step, and by as much as the wanted chance takes."""
    from forecast.levers import what_would_change  # imports PyMC, which takes seconds

    with bars() as progress:
        config, answer = answered(source, sample, progress, json, fresh, as_of, period, target, draws, seed, threads)
        level = config.forecast.wanted if wanted is None else wanted
        told = what_would_change(answer.what_if, level, every_lever=True, sales=sales, progress=progress)
    finish({**answer.summary, "levers": told}, json, terminal_levers.show)


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


def finish(summary: dict[str, Any], json: Path | None, show: Callable[..., None]) -> None:
    """Write the JSON that was asked for, and show the answer."""
    plain = outputs.finite(summary)
    files = {} if json is None else {"json": json}
    try:
        if json is not None:
            outputs.write_json(json, outputs.with_files(plain, files))
    finally:
        show(outputs.with_files(plain, files), console())
