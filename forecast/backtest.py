"""Asking the past: at each past day a fresh as-of history, a fit, a simulation, every baseline, and their scores.

A case is the outcome of one past question as plain data, kept in a file of its own as soon as it is known, so
that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast import scores
from forecast.answer import month_edges, simulated
from forecast.baselines import BASELINES, Samples
from forecast.config import Config
from forecast.draws import NEW, OPEN
from forecast.errors import FunnelError
from forecast.fingerprint import fingerprint
from forecast.history import Floats, History, as_of, day_of
from forecast.outputs import made, write_text
from forecast.places import sweep
from forecast.record import OURS
from forecast.sources.tables import Tables, named_attributes, usual_attributes
from forecast.windows import Window

MOST_KEPT = 3  # sets of cases kept beside a funnel file: those asked for last
LEVELS = (0.5, 0.8, 0.9)  # of the central ranges that are checked
QUANTILES = (np.arange(100) + 0.5) / 100  # kept of every forecast
TARGETS = (0.8, 1.0, 1.2)  # times the mean of the first baseline: what P(hit) is asked for
GROUPINGS = ("team", "region", "owner", "segment", "product", "source")  # the first that is there is scored
FEWEST_GROUP_WINS = 5  # won before the origin; groups with fewer are not scored

Case = dict[str, Any]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Settings:
    """Of every question of a backtest. `grouping`: the column whose groups are scored as well, or None. `horizon`:
    of the windows, as it was asked for.
    """

    draws: int = 2000
    seed: int = 1
    grouping: str | None = None
    horizon: str = "quarter"


def grouping_of(tables: Tables, named: str | None) -> str | None:
    """The column whose groups are scored: as named, else the first of the usual ones that is there, or None."""
    usable = usual_attributes(tables.deals, tables.known)
    if named is None:
        return next((name for name in GROUPINGS if name in usable), None)
    return named_attributes([named], tables.deals, tables.known, "--by")[0]


def backtest(
    config: Config,
    tables: Tables,
    asked: Sequence[Window],
    settings: Settings,
    *,
    folder: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Case]:
    """The cases of all questions, in order.

    folder: where cases are kept and found again, as long as data, funnel file, settings and program are the
    same. executor: where questions are asked (processes, or a Dask cluster); by default one by one, here.
    """
    cases: dict[Window, Case] = {}
    kept = folder and folder / asked_of(config, tables, settings)
    if kept:
        made(kept)
        os.utime(kept)
        sweep(kept.parent, MOST_KEPT)
    for window in asked:
        if kept and (found := _read(kept / f"{window.label}.json")) is not None:
            cases[window] = found
    missing = [window for window in asked if window not in cases]

    def tell() -> None:
        if progress is not None:
            progress("Asking the past", len(cases), len(asked))

    tell()
    for window, case in _answers(config, tables, missing, settings, executor):
        cases[window] = case
        if kept:
            write_text(kept / f"{window.label}.json", json.dumps(case, allow_nan=False) + "\n")
        tell()
    return [cases[window] for window in asked]


def _answers(
    config: Config, tables: Tables, asked: Sequence[Window], settings: Settings, executor: Executor | None
) -> Iterator[tuple[Window, Case]]:
    """The cases as they become known."""
    if executor is None:
        for window in asked:
            yield window, ask_past(config, tables, window, settings)
        return
    futures = {executor.submit(ask_past, config, tables, window, settings): window for window in asked}
    for future in as_completed(futures):
        try:
            case = future.result()
        except (CancelledError, BrokenExecutor) as lost:
            remedy = "Run it again: questions that were answered are kept."
            raise FunnelError("the processes that answered are gone", remedy=remedy) from lost
        yield futures[future], case


def _read(path: Path) -> Case | None:
    """The case in a file; None where there is none, or it was not written to its end."""
    try:
        case = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return case if isinstance(case, dict) and {"rows", "error", "origin"} <= case.keys() else None


def asked_of(config: Config, tables: Tables, settings: Settings) -> str:
    """A fingerprint of the data, the funnel file, the settings and the program: cases of the same are the same."""
    rules = config.model_dump(mode="json", include={"funnel", "model", "priors", "follow_ups"})
    recorded = tables.recorded_from, tables.recorded_until
    data = tables.deals, tables.stage_history, tables.known, tables.timed, recorded
    return fingerprint(ask_past.__module__, rules, settings, data)


def ask_past(config: Config, tables: Tables, window: Window, settings: Settings) -> Case:
    """One past question: what happened, every forecast of it with its scores, and what drove our error.

    Where the model refuses to answer, `error` says why, and the baselines stand alone.
    """
    history = as_of(tables, config.funnel, window.origin)
    recorded = as_of(tables, config.funnel, tables.recorded_until)
    won = _won(recorded, history, window, settings.grouping)
    seed = [settings.seed, int(day_of(window.origin)), window.days]
    rows: list[dict[str, Any]] = []
    targets: list[float] = []

    def add(part: str, group: str | None, name: str, samples: Floats, actual: float) -> None:
        scored = _scored(samples, actual, targets if part == "all" else ())
        rows.append({"part": part, "group": group, "forecast": name, **scored})

    asked = _baselines(history, window, settings.draws, seed)
    if (rate := asked.get(next(iter(BASELINES)))) is not None:
        targets += [share * float(rate.total.mean()) for share in TARGETS if rate.total.any()]
    actual, actual_open = float(won["amount"].sum()), float(won.loc[won["before"], "amount"].sum())
    error, expected, groups = None, None, dict[str, Floats]()
    try:
        ours, groups, expected = _ours(config, history, window, settings)
        asked = {OURS: ours, **asked}
    except FunnelError as failed:
        error = failed.message
    for name, samples in asked.items():
        add("all", None, name, samples.total, actual)
        if samples.open is not None:
            add("open", None, name, samples.open, actual_open)
    for group, samples_of_group in groups.items():
        happened = float(won.loc[won["group"] == group, "amount"].sum())
        add("group", group, OURS, samples_of_group, happened)
        part = part_of(history, (history.deals[settings.grouping] == group).to_numpy())
        for name, samples in _baselines(part, window, settings.draws, seed).items():
            add("group", group, name, samples.total, happened)
    return {
        "origin": str(window.origin.date()),
        "after": str(window.after.date()),
        "days": window.days,
        "actual": actual,
        "actual_open": actual_open,
        "targets": targets,
        "error": error,
        "expected": expected,
        "happened": _happened(recorded, history, won, window),
        "rows": rows,
    }


def part_of(history: History, rows: Any) -> History:
    """The history of some of its deals; rows: (deals,) booleans."""
    place = np.cumsum(rows) - 1
    visits = history.visits
    chosen = rows[visits.deal]
    arrays = {name: values[chosen] for name, values in vars(visits).items()}
    arrays["deal"] = place[arrays["deal"]]
    return replace(history, deals=history.deals[rows].reset_index(drop=True), visits=type(visits)(**arrays))


def _won(recorded: History, history: History, window: Window, grouping: str | None) -> pd.DataFrame:
    """Deals won in the window: amount, `before` (known at the origin), group."""
    wins = recorded.wins()
    wins = wins[(wins["won"] > day_of(window.origin)) & (wins["won"] <= day_of(window.after))]
    deals = recorded.deals.iloc[wins["deal"]]
    return pd.DataFrame(
        {
            "amount": wins["amount"].fillna(0).to_numpy(),
            "before": deals["deal_id"].isin(history.deals["deal_id"]).to_numpy(),
            "group": None if grouping is None else deals[grouping].to_numpy(),
        }
    )


def _baselines(history: History, window: Window, draws: int, seed: list[int]) -> dict[str, Samples]:
    """Samples of every baseline that can be asked, each with random numbers of its own."""
    found = {}
    for number, (name, baseline) in enumerate(BASELINES.items()):
        samples = baseline(history, window.after, draws, np.random.default_rng([*seed, number]))
        if samples is not None:
            found[name] = samples
    return found


def _ours(
    config: Config, history: History, window: Window, settings: Settings
) -> tuple[Samples, dict[str, Floats], dict[str, float]]:
    """Our samples, those of every group with wins enough, and what is expected of deals open and new."""
    edges = month_edges(window.origin, window.after)
    _, prepared, outcomes = simulated(
        config, history, edges, len(edges) - 1, draws=settings.draws, seed=settings.seed,
        groupings=() if settings.grouping is None else (settings.grouping,), deal_detail=True,
    )  # fmt: skip
    minor = 10**config.funnel.minor_digits
    parts = outcomes.by["created"].sum(axis=1) / minor
    groups = {}
    if settings.grouping is not None:
        past = history.deals.iloc[history.wins()["deal"]][settings.grouping].value_counts()
        sums = outcomes.by[settings.grouping].sum(axis=1) / minor
        names = prepared.labels[settings.grouping]
        groups = {name: sums[:, i] for i, name in enumerate(names) if past.get(name, 0) >= FEWEST_GROUP_WINS}
    assert outcomes.deal_win_days is not None
    wins_open = float(outcomes.deal_win_days[:, : window.days + 1].sum()) / outcomes.n_simulations
    expected = {
        "created": float(outcomes.created.sum(axis=1).mean()),
        "wins_open": wins_open,
        "wins_new": float(outcomes.wins.sum(axis=1).mean()) - wins_open,
        "amount_open": float(parts[:, OPEN].mean()),
        "amount_new": float(parts[:, NEW].mean()),
    }
    return Samples(outcomes.won.sum(axis=1) / minor, parts[:, OPEN]), groups, expected


def _happened(recorded: History, history: History, won: pd.DataFrame, window: Window) -> dict[str, float]:
    """The same of what happened, and the largest deal that was won."""
    later = ~recorded.deals["deal_id"].isin(history.deals["deal_id"]) & recorded.begun_open()
    before = won["before"]
    return {
        "created": int((later & (recorded.deals["created"] < window.after)).sum()),
        "wins_open": int(before.sum()),
        "wins_new": int((~before).sum()),
        "amount_open": float(won.loc[before, "amount"].sum()),
        "amount_new": float(won.loc[~before, "amount"].sum()),
        "largest": float(won["amount"].max()) if len(won) else 0.0,
    }


def _scored(samples: Floats, actual: float, targets: Sequence[float]) -> dict[str, Any]:
    """Scores of one forecast, and its quantiles."""
    return {
        "actual": actual,
        "crps": scores.crps(samples, actual),
        "pit": scores.pit(samples, actual),
        "held": [bool(scores.covered(samples, actual, level)) for level in LEVELS],
        "width": scores.width(samples, 0.8),
        "mean": float(samples.mean()),
        "p50": float(np.median(samples)),
        "p_hit": [float((samples >= target).mean()) for target in targets],
        "quantiles": np.quantile(samples, QUANTILES).tolist(),
    }
