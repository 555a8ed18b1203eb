"""Options that several commands share, and what they mean.

A command takes a dataclass of them as its first parameter; `spread` lets Typer see its fields as options.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from forecast.config import Config
from forecast.errors import FunnelError, near
from forecast.language import ENGLISH, LANGUAGES
from forecast.question import Question, question_from
from forecast.sources.tables import Tables

SAMPLES = Path(__file__).parent / "samples"

DrawsOption = Annotated[int | None, typer.Option(min=1, help="How many futures are simulated.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same answer.")]
Every = Annotated[str, typer.Option(metavar="STEP", help="week, month or quarter between origins.")]
Csv = Annotated[Path | None, typer.Option("--out", metavar="FILE.csv", help="Write the whole table as CSV.")]


@dataclass(frozen=True)
class Funnel:
    """Which funnel."""

    source: Annotated[
        Path | None, typer.Argument(help="A funnel file (TOML), a folder with one, or a CSV or Parquet file.")
    ] = None
    sample: Annotated[str | None, typer.Option(help="Answer for a sample that comes along: maven or b2b.")] = None
    lang: Annotated[str, typer.Option(help=f"Of what is shown: {' or '.join(LANGUAGES)}.")] = ENGLISH

    @property
    def path(self) -> Path:
        return source_path(self.source, self.sample)


@dataclass(frozen=True)
class Targets(Funnel):
    """What is asked of it; what is not given is taken from the funnel file."""

    period: Annotated[
        list[str] | None, typer.Option(metavar="PERIOD", help="2017Q4, 2017, 2017-10 or FROM..TO; may be repeated.")
    ] = None
    target: Annotated[
        list[str] | None, typer.Option(metavar="AMOUNT", help="Revenue to reach in the period; one for each --period.")
    ] = None
    draws: DrawsOption = None
    seed: Seed = None
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answer as JSON.")] = None

    def question_as_of(self, day: str | date | None, config: Config, tables: Tables) -> Question:
        return question_from(
            config, tables, as_of=day, period=self.period or None, target=self.target or None, draws=self.draws,
            seed=self.seed,
        )  # fmt: skip


@dataclass(frozen=True)
class Fitting(Targets):
    """How it is fitted and simulated."""

    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores; same answer.")] = None
    fresh: Annotated[bool, typer.Option("--fresh", help="Fit anew, also where a fit of the same data is kept.")] = False


@dataclass(frozen=True)
class Asking(Fitting):
    """A whole question, and where it is simulated."""

    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Simulate on this Dask cluster, e.g. tcp://10.0.0.1:8786.")
    ] = None
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day of the question; nothing from that day on is used.")
    ] = None

    def question(self, config: Config, tables: Tables) -> Question:
        return self.question_as_of(self.as_of, config, tables)


@dataclass(frozen=True)
class Several(Asking):
    """Of one funnel, or of several."""

    more: Annotated[
        list[Path] | None, typer.Argument(help="Further funnels of the same company, which are added up.")
    ] = None


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with the fields of its first parameter, a dataclass, in place of that parameter."""
    first, *own = inspect.signature(command, eval_str=True).parameters.values()
    kind, hints = inspect.Parameter.KEYWORD_ONLY, get_type_hints(first.annotation, include_extras=True)
    shared = [
        inspect.Parameter(field.name, kind, default=field.default, annotation=hints[field.name])
        for field in fields(first.annotation)
    ]

    @wraps(command)
    def spread_out(**given: Any) -> None:
        command(first.annotation(**{one.name: given.pop(one.name) for one in shared}), **given)

    parameters = [*shared, *(one.replace(kind=kind) for one in own)]
    spread_out.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return spread_out


def source_path(source: Path | None, sample: str | None) -> Path:
    """The path that is meant by FILE_OR_CONFIG or by --sample."""
    known = sorted(path.parent.name for path in SAMPLES.glob("*/funnel.toml"))
    if source is not None and sample is not None:
        raise FunnelError("a file and --sample were both given", remedy="Give one of them.")
    if source is not None:
        return source
    if sample is None:
        remedy = f"Name a funnel file or a CSV file, or try a sample: --sample {known[0]}"
        raise FunnelError("there is nothing to forecast", remedy=remedy)
    if sample not in known:
        raise FunnelError(f"there is no sample '{sample}'", remedy=near(sample, known))
    return SAMPLES / sample / "funnel.toml"
