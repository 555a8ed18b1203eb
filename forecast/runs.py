"""The log of a funnel's forecasts: one row per forecast and period, so that answers can be followed over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecast import places
from forecast.errors import FunnelError
from forecast.outputs import write_parquet

FILE = "runs.parquet"
OF_PERIOD = (
    "target", "p_hit", "p_hit_se", "p10", "p50", "p90", "mean", "won_to_date", "gap", "rtv", "funnel_factor",
)  # fmt: skip
OF_FIT = ("healthy", "r_hat", "ess")
COLUMNS = (
    "asked", "origin", "period", "start", "end", *OF_PERIOD, "currency", *OF_FIT, "draws", "seed", "version",
)  # fmt: skip

Summary = Mapping[str, Any]


def rows(summary: Summary, asked: pd.Timestamp) -> pd.DataFrame:
    """The rows of one answer, one per period. asked: when it was asked (UTC)."""
    fit = summary["fit"]
    return pd.DataFrame(
        [
            {
                "asked": asked,
                "origin": date.fromisoformat(summary["origin"]),
                "period": period["period"],
                **{name: date.fromisoformat(period[name]) for name in ("start", "end")},
                **{name: _number(period[name]) for name in OF_PERIOD},
                "currency": summary["currency"],
                "healthy": bool(fit["healthy"]),
                **{name: _number(fit[name]) for name in ("r_hat", "ess")},
                "draws": int(summary["draws"]),
                "seed": int(summary["seed"]),
                "version": version("entonnoir"),
            }
            for period in summary["periods"]
        ],
        columns=list(COLUMNS),
    )


def read(folder: Path | None) -> pd.DataFrame:
    """The log in a folder, in the order of asking; empty where there is none yet. FunnelError where it is no log."""
    path = None if folder is None else folder / FILE
    if path is None or not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    remedy = "Move it away to begin a new log."
    try:
        log: pd.DataFrame = pq.read_table(path).to_pandas()
    except OSError as error:
        raise FunnelError(f"cannot be read ({error.strerror})", file=path, remedy=remedy) from None
    except pa.ArrowException:
        raise FunnelError("is not Parquet", file=path, remedy=remedy) from None
    if missing := [name for name in COLUMNS if name not in log]:
        raise FunnelError(f"is no log of forecasts: it has no column '{missing[0]}'", file=path, remedy=remedy)
    return log


def note(folder: Path | None, summary: Summary, asked: pd.Timestamp | None = None) -> None:
    """Add an answer to the log in a folder, asked now if not said otherwise.

    Where nothing can be written the log stays as it is: the answer does not depend on it. FunnelError where a file
    is in the way that is no log.
    """
    if folder is None:
        return
    new = rows(summary, pd.Timestamp.now("UTC").floor("s") if asked is None else asked)
    log = read(folder)
    try:
        places.made(folder)
        write_parquet(folder / FILE, joined(log, new))
    except (FunnelError, OSError):
        return


def joined(log: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The log with rows added at its end."""
    return pd.concat([log, new], ignore_index=True) if len(log) else new


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
