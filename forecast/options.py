"""Options that several commands share, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.errors import FunnelError, near
from forecast.language import LANGUAGES

SAMPLES = Path(__file__).parent / "samples"

Source = Annotated[
    Path | None, typer.Argument(help="A funnel file (TOML), a folder with one, or a CSV or Parquet file.")
]
Sample = Annotated[str | None, typer.Option(help="Answer for a sample that comes along: maven or b2b.")]
AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="The day of the question; nothing from that day on is used.")
]
Periods = Annotated[
    list[str] | None, typer.Option(metavar="PERIOD", help="2017Q4, 2017, 2017-10 or FROM..TO; may be repeated.")
]
Targets = Annotated[
    list[str] | None, typer.Option(metavar="AMOUNT", help="Revenue to reach in the period; one for each --period.")
]
DrawsOption = Annotated[int | None, typer.Option(min=1, help="How many futures are simulated.")]
Lang = Annotated[str, typer.Option(help=f"Of what is shown: {' or '.join(LANGUAGES)}.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same answer.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Default: all cores; same answer.")]
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Simulate on this Dask cluster, e.g. tcp://10.0.0.1:8786.")
]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answer as JSON.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Fit anew, also where a fit of the same data is kept.")]


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
