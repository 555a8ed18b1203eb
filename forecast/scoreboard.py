"""What a backtest says: scores of every forecast beside the others, what went wrong, and the record to quote.

Everything here is computed from the cases that backtest.py leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np

from forecast import scores
from forecast.backtest import LEVELS, QUANTILES, Case, Settings
from forecast.config import Config
from forecast.history import Floats
from forecast.record import OURS, QUOTED, SCHEMA_VERSION
from forecast.windows import Window, overlap

WORST = 3  # questions told one by one
LONGEST_MONTH = 31  # days
FINE = 2000  # quantiles of a forecast that is bent
FEWEST_PITS = 3  # past questions from which on a recalibration is tried
LARGE_DEAL = 0.5  # share of the error from which on one deal explains it

Rows = Sequence[Mapping[str, Any]]


def scoreboard(config: Config, asked: Sequence[Window], settings: Settings, cases: Sequence[Case]) -> dict[str, Any]:
    """The result of a backtest as plain data.

    A forecast is compared with ours on the questions that it answered, and ranked only if these are all. `overlap`
    tells with how many of the next ones a question shares days, which the standard errors take into account.
    """
    shared = overlap(asked)
    answered = [case for case in cases if case["error"] is None]
    return {
        "schema_version": SCHEMA_VERSION,
        "funnel": config.funnel.name,
        "currency": config.funnel.currency,
        "stages": list(config.funnel.stages),
        "horizon": settings.horizon,
        "questions": len(cases),
        "refused": [{"origin": case["origin"], "why": case["error"]} for case in cases if case["error"] is not None],
        "overlap": shared,
        "grouping": settings.grouping,
        "draws": settings.draws,
        "seed": settings.seed,
        "all": _table(answered, "all", shared),
        "open": _table(answered, "open", shared),
        "by_distance": _by_distance(answered),
        "by_group": _by_group(answered),
        "worst": _worst(answered),
        "recalibration": _recalibration(answered, shared),
        "windows": [_window(case) for case in answered],
    }


def _rows(cases: Sequence[Case], part: str, name: str, group: str | None = None) -> list[Mapping[str, Any]]:
    return [
        row
        for case in cases
        for row in case["rows"]
        if row["part"] == part and row["forecast"] == name and row["group"] == group
    ]


def _names(cases: Sequence[Case], part: str) -> list[str]:
    """The forecasts that answered, ours first."""
    return list(dict.fromkeys(row["forecast"] for case in cases for row in case["rows"] if row["part"] == part))


def _column(rows: Rows, name: str) -> Floats:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _table(cases: Sequence[Case], part: str, shared: int) -> list[dict[str, Any]]:
    """One line per forecast, in the order of their mean CRPS; those that did not answer every question come last, for
    theirs may have been the easy ones.
    """
    lines = []
    for name in _names(cases, part):
        both = [case for case in cases if _rows([case], part, name)]
        rows, ours = _rows(both, part, name), _rows(both, part, OURS)
        crps, own = _column(rows, "crps"), _column(ours, "crps")
        error = _column(rows, "p50") - _column(rows, "actual")
        skill = scores.skill(own, crps, shared)
        lines.append(
            {
                "forecast": name,
                "questions": len(rows),
                "crps": float(crps.mean()),
                "crps_se": scores.mean_with_se(crps, shared).se,
                "skill": None if name == OURS else skill.value,
                "skill_se": None if name == OURS else skill.se,
                "coverage": [_coverage(rows, index) for index in range(len(LEVELS))],
                "median_error": float(np.abs(error).mean()),
                "bias": float(error.mean()),
                "width": float(_column(rows, "width").mean()),
                "pit": scores.pit_histogram(_column(rows, "pit")).tolist(),
                "pit_mean": float(_column(rows, "pit").mean()),
                "pit_p_value": scores.calibration_p_value(_column(rows, "pit")),
                "brier": _brier(both, rows),
            }
        )
    return sorted(lines, key=lambda line: (line["questions"] < len(cases), line["crps"]))


def _coverage(rows: Rows, index: int) -> dict[str, Any]:
    held = sum(row["held"][index] for row in rows)
    low, high = scores.share_interval(held, len(rows))
    return {"level": LEVELS[index], "held": held, "of": len(rows), "low": low, "high": high}


def _brier(cases: Sequence[Case], rows: Rows) -> dict[str, float] | None:
    """Of P(R >= target) over all questions and targets, with its parts."""
    p = [chance for row in rows for chance in row["p_hit"]]
    if not p:
        return None
    hit = [row["actual"] >= target for case, row in zip(cases, rows, strict=True) for target in case["targets"]]
    chances, hits = np.array(p, dtype=np.float64), np.array(hit, dtype=bool)
    parts = scores.murphy(chances, hits)
    return {"score": scores.brier(chances, hits), **parts._asdict()}


def _by_distance(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Ours beside the best other by months to the end of the window; empty where all are equally far."""
    classes: dict[int, list[Case]] = {}
    for case in cases:
        classes.setdefault(ceil(case["days"] / LONGEST_MONTH), []).append(case)
    if len(classes) < 2:
        return []
    lines = []
    for _, within in sorted(classes.items()):
        days = [case["days"] for case in within]
        lines.append({"from_days": min(days), "to_days": max(days), **_against_best(within, "all", None)})
    return lines


def _by_group(cases: Sequence[Case]) -> list[dict[str, Any]]:
    groups = sorted({row["group"] for case in cases for row in case["rows"] if row["part"] == "group"})
    return [{"group": group, **_against_best(cases, "group", group)} for group in groups]


def _against_best(cases: Sequence[Case], part: str, group: str | None) -> dict[str, Any]:
    """Our mean CRPS, also as a share of what happened, and coverage; the other forecast with the least mean CRPS on the
    same questions, and by how much of it ours is smaller (skill).
    """
    ours = _rows(cases, part, OURS, group)
    own = {case["origin"]: row for case in cases for row in _rows([case], part, OURS, group)}
    best: tuple[float, str | None] = (np.inf, None)
    for name in _names(cases, part):
        rows = {case["origin"]: row for case in cases for row in _rows([case], part, name, group)}
        if name != OURS and own and rows.keys() >= own.keys():
            mean = float(np.mean([rows[origin]["crps"] for origin in own]))
            best = min(best, (mean, name))
    crps, actual = (float(_column(ours, name).mean()) for name in ("crps", "actual"))
    return {
        "questions": len(ours),
        "crps": crps,
        "crps_share": crps / actual if actual > 0 else None,
        "coverage": _coverage(ours, LEVELS.index(QUOTED)),
        "bias": float((_column(ours, "p50") - _column(ours, "actual")).mean()),
        "actual": actual,
        "best_other": best[1],
        "best_other_crps": best[0] if best[1] is not None else None,
        "skill": 1 - crps / best[0] if best[1] is not None and best[0] > 0 else None,
    }


def _worst(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The questions with the largest CRPS, and the parts of what the mean was off by."""
    order = sorted(cases, key=lambda case: -_rows([case], "all", OURS)[0]["crps"])
    told = []
    for case in order[:WORST]:
        row = _rows([case], "all", OURS)[0]
        parts = parts_of_error(case["expected"], case["happened"])
        error = case["actual"] - row["mean"]
        cause = max(parts, key=lambda name: parts[name] * error)  # of those that pull the same way
        if error > 0 and case["happened"]["largest"] >= LARGE_DEAL * error and parts["amounts"] > error / 2:
            cause = "one large deal"
        told.append(
            {
                **_window(case),
                "largest": case["happened"]["largest"],
                "crps": row["crps"],
                "error": error,
                "parts": parts,
                "cause": cause,
                "expected": case["expected"],
                "happened": case["happened"],
            }
        )
    return told


def parts_of_error(expected: Mapping[str, float], happened: Mapping[str, float]) -> dict[str, float]:
    """What happened minus the mean forecast, split in order: more or fewer new deals, won more or less often
    (open ones, new ones), at larger or smaller amounts. The parts sum to the whole.
    """
    size_open, size_new = (
        expected[f"amount_{kind}"] / expected[f"wins_{kind}"] if expected[f"wins_{kind}"] > 0 else 0.0
        for kind in ("open", "new")
    )
    rate = expected["wins_new"] / expected["created"] if expected["created"] > 0 else 0.0
    wins_open, wins_new = happened["wins_open"], happened["wins_new"]
    return {
        "new deals": (happened["created"] - expected["created"]) * rate * size_new,
        "conversion of open deals": (wins_open - expected["wins_open"]) * size_open,
        "conversion of new deals": (wins_new - happened["created"] * rate) * size_new,
        "amounts": happened["amount_open"] - wins_open * size_open + happened["amount_new"] - wins_new * size_new,
    }


def _recalibration(cases: Sequence[Case], shared: int) -> dict[str, Any] | None:
    """Whether bending each range by the PITs of the questions that had ended by then would have helped."""
    raw, bent = [], []
    for case in cases:
        ended = [other for other in cases if other["after"] <= case["origin"]]
        past = _column(_rows(ended, "all", OURS), "pit")
        if len(past) >= FEWEST_PITS:
            row = _rows([case], "all", OURS)[0]
            share = (np.arange(FINE) + 0.5) / FINE
            kept = np.interp(share, QUANTILES, row["quantiles"])  # finer, for the score of a few is too low
            raw.append(scores.crps(kept, row["actual"]))
            bent.append(scores.crps(scores.recalibrated(kept, past), row["actual"]))
    if not raw:
        return None
    gain = scores.skill(np.array(bent), np.array(raw), shared)
    return {"questions": len(raw), "gain": gain.value, "gain_se": gain.se, "helps": gain.value > 2 * gain.se}


def _window(case: Case) -> dict[str, Any]:
    """What the record and the figures need of one question."""
    row = _rows([case], "all", OURS)[0]
    kept = np.array(row["quantiles"])
    quantiles = {
        f"p{share}": float(np.quantile(kept, share / 100, method="hazen")) for share in (5, 10, 25, 50, 75, 90, 95)
    }
    return {
        "origin": case["origin"],
        "after": case["after"],
        "actual": case["actual"],
        **quantiles,
        "pit": row["pit"],
        "held": row["held"],
    }
