"""The commands that show parts of the answer in full: clients and deals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.markup import escape

from forecast import options, outputs, terminal_answers
from forecast.cli_what_if import answered, finish
from forecast.errors import FunnelError
from forecast.language import ENGLISH, known
from forecast.progress import bars
from forecast.screen import console

Out = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write the whole table as CSV.")]


def add_to(app: typer.Typer) -> None:
    app.command()(clients)
    app.command()(deals)


def clients(
    source: options.Source = None,
    sample: options.Sample = None,
    as_of: options.AsOf = None,
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = None,
    out: Out = None,
    fresh: options.Fresh = False,
    lang: options.Lang = ENGLISH,
) -> None:
    """On which clients the target depends: what each brings, and the chance without it."""
    given = (source, sample, json, fresh, as_of, period, target, draws, seed, threads)
    _told(given, json, out, lang, terminal_answers.show_clients, terminal_answers.client_table)


def deals(
    source: options.Source = None,
    sample: options.Sample = None,
    as_of: options.AsOf = None,
    period: options.Periods = None,
    target: options.Targets = None,
    draws: options.DrawsOption = None,
    seed: options.Seed = None,
    threads: options.Threads = None,
    json: options.Json = None,
    out: Out = None,
    fresh: options.Fresh = False,
    lang: options.Lang = ENGLISH,
) -> None:
    """Which deals to look at: those that are overdue, and those whose fate moves the chance most."""
    given = (source, sample, json, fresh, as_of, period, target, draws, seed, threads)
    _told(given, json, out, lang, terminal_answers.show_deals, terminal_answers.deal_table)


def _told(
    given: tuple[Any, ...], json: Path | None, out: Path | None, lang: str, show: Callable[..., None],
    table: Callable[[Any], pd.DataFrame],
) -> None:  # fmt: skip
    if out is not None and out.suffix.lower() != ".csv":
        raise FunnelError(f"--out writes csv, not '{out.suffix}'", file=out, remedy="Give it a name ending in .csv.")
    known(lang)
    source, sample, *rest = given
    with bars() as progress:
        config, answer = answered(source, sample, progress, *rest)
    if out is not None:
        outputs.spare_inputs({"out": out}, config)
    finish(answer.summary, json, show, lang=lang)
    if out is not None:
        outputs.write_csv(out, table(outputs.finite(answer.summary)))
        console().print(f"Wrote {escape(str(out))}.", soft_wrap=True)
