"""What commands have in common: read the funnel, ask it, write what was asked for, and show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.text import Text

from forecast import options, outputs
from forecast.config import Config
from forecast.executors import placed
from forecast.language import known, speaking
from forecast.progress import bars
from forecast.screen import console
from forecast.sources import load
from forecast.sources.tables import Tables


def read(
    asked: options.Funnel, files: Mapping[str, Path | None], progress: Any
) -> tuple[dict[str, Path], Config, Tables]:
    """Those of `files` that are to be written, which can be, and the funnel."""
    path = asked.path
    known(asked.lang)
    wanted = outputs.writable(files)
    progress("Reading the rows", 0, 0)
    config, tables = load(path)
    outputs.spare_inputs(wanted, config)
    return wanted, config, tables


def answered(asked: options.Asking, progress: Any, out: Path | None = None) -> tuple[Config, Any]:
    """The Config and the Answer, without levers."""
    _, config, tables = read(asked, {"json": asked.json, "out": out}, progress)
    question = asked.question(config, tables)
    placed(asked.threads, asked.cluster)
    progress("Loading the model", 0, 0)
    from forecast.answer import ask  # imports PyMC, which takes seconds
    from forecast.kept import kept_for

    return config, ask(
        config, tables, question, progress=progress, threads=asked.threads, cluster=asked.cluster,
        fits=kept_for(config, fresh=asked.fresh), levers=False,
    )  # fmt: skip


def told(
    asked: options.Asking, show: Callable[..., None], *, out: Path | None = None,
    table: Callable[[Any], pd.DataFrame] | None = None, more: Callable[..., dict[str, Any]] | None = None,
) -> None:  # fmt: skip
    """Ask, and show a part of the answer. table: of the summary, what goes to `out`. more: of the Config, the Answer
    and the progress, what the summary is to hold besides.
    """
    with bars() as progress:
        config, answer = answered(asked, progress, out)
        summary = {**answer.summary, **({} if more is None else more(config, answer, progress))}
    finish(summary, asked, show)
    if out is not None and table is not None:
        outputs.write_csv(out, table(outputs.finite(summary)))
        console().print(Text(f"Wrote {out}."), soft_wrap=True)


def finish(summary: dict[str, Any], asked: options.Targets, show: Callable[..., None], out: Path | None = None) -> None:
    """Write the JSON that was asked for, and show the answer."""
    plain = outputs.with_files(outputs.finite(summary), {} if asked.json is None else {"json": asked.json})
    try:
        if asked.json is not None:
            outputs.write_json(asked.json, plain)
    finally:
        with speaking(asked.lang):
            show({**plain, "files": {**plain["files"], "out": None if out is None else str(out)}}, console())
