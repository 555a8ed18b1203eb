"""The study of accuracy over generated companies: what happened to them is known, and what could have happened too.

Companies are the unit: the questions asked of one share its luck. Beside our forecast and every baseline stands the
process itself, carried on from each origin, which knows all that can be known: no forecast can do better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t

from forecast import scores
from forecast.backtest import LEVELS, Case, Settings, backtest
from forecast.config import config_from
from forecast.record import OURS
from forecast.sources import load
from forecast.synthetic import KINDS, Company, Generated, generate, true_outcomes
from forecast.windows import windows

QUARTER, WEEKS = "quarter", "4w"  # horizons: the rest of the quarter, and four weeks
# All are on record from January 2022 to December 2024.
ORIGINS = {QUARTER: ("2022-10-01", "2023-11-01"), WEEKS: ("2023-06-05", "2024-08-05")}
SEEDS = range(1, 5)
FUTURES = 1000
BEST = "the process itself"
DRAWS = 1000


class Asked(NamedTuple):
    """One question to one company: CRPS by forecast, as shares of what is usually won in such a time; for each of
    LEVELS, whether our range held; and our PIT. refused: why there is no answer, if so.
    """

    kind: str
    seed: int
    horizon: str
    origin: str
    crps: dict[str, float]
    held: tuple[bool, ...]
    pit: float
    refused: str | None


def study(
    kinds: Sequence[str], seeds: Sequence[int], folder: Path, executor: Executor | None, tell: Callable[[str], None]
) -> list[Asked]:
    """All questions, company by company; `tell` gets a line of each. folder: of the files of the companies, and of the
    answers, which are found again as long as the program is the same.
    """
    asked = []
    for seed in seeds:
        for kind in kinds:
            company = KINDS[kind](seed)
            made = generate(company, seed)
            of_company = [
                _asked(kind, seed, horizon, case, company, made)
                for horizon in ORIGINS
                for case in _cases(company, made, horizon, folder / f"{kind} {seed}".replace(" ", "-"), executor)
            ]
            tell(_line(f"{kind} {seed}", of_company))
            asked += of_company
    return asked


def _line(name: str, asked: Sequence[Asked]) -> str:
    refused = "".join(f"; refused as of {one.origin}: {one.refused}" for one in asked if one.refused)
    if not (closest := others(asked)):
        return name + refused
    best, possible, held = closest[0], against(asked, BEST), coverage(asked, 0.8)
    assert possible is not None
    return (
        f"{name}: {100 * held.share:.0f} % of {held.questions} ranges of 80 % held; CRPS {best.ours:.3f}, "
        f"{best.other} {best.theirs:.3f}, {BEST} {possible.theirs:.3f}{refused}"
    )


def _cases(company: Company, made: Generated, horizon: str, folder: Path, executor: Executor | None) -> list[Case]:
    """Written and read as the files of a user would be."""
    folder.mkdir(parents=True, exist_ok=True)
    made.deals.to_csv(folder / "deals.csv", index=False)
    made.stage_history.to_csv(folder / "stage_history.csv", index=False)
    until = pd.Timestamp(0) + pd.Timedelta(days=company.end_day - 1)
    asked = {
        "funnel": {"name": company.name, "stages": [stage.name for stage in company.stages]},
        "source": {"shape": "canonical", "deals": "deals.csv", "stage_history": "stage_history.csv"},
        "recording": {"from": company.recorded_from, "until": until.date()},
    }
    config, tables = load(config_from(asked, folder / "funnel.toml"))
    past = windows(tables, origins=ORIGINS[horizon], horizon=horizon)
    return backtest(config, tables, past, Settings(draws=DRAWS, horizon=horizon), folder=folder, executor=executor)


def _asked(kind: str, seed: int, horizon: str, case: Case, company: Company, made: Generated) -> Asked:
    origin, after = (pd.Timestamp(case[name]).date() for name in ("origin", "after"))
    futures = true_outcomes(company, made, origin, after, FUTURES, np.random.default_rng([seed, origin.toordinal()]))
    wins = made.stage_history[made.stage_history["stage"] == company.won]["amount"].sum()
    on_record = (pd.Timestamp(0) + pd.Timedelta(days=company.end_day) - pd.Timestamp(company.recorded_from)).days
    usual = float(wins) / on_record * case["days"]
    whole = {row["forecast"]: row for row in case["rows"] if row["part"] == "all"}
    crps = {name: row["crps"] / usual for name, row in whole.items()}
    crps[BEST] = scores.crps(futures.revenue(), case["actual"]) / usual
    ours = whole.get(OURS)
    held, pit = ((), np.nan) if ours is None else (tuple(ours["held"]), ours["pit"])
    return Asked(kind, seed, horizon, case["origin"], crps, held, pit, case["error"])


class Coverage(NamedTuple):
    """share held; binomial: standard error of the nominal level if questions were independent; by_company: standard
    error of the share, companies being the unit.
    """

    level: float
    share: float
    questions: int
    binomial: float
    by_company: float

    @property
    def z(self) -> float:
        """Distance from the nominal level in the larger of both errors."""
        return (self.share - self.level) / max(self.binomial, self.by_company)


def coverage(asked: Sequence[Asked], level: float) -> Coverage:
    """Of the questions that were answered."""
    index = LEVELS.index(level)
    answered = [one for one in asked if one.refused is None]
    held = np.array([one.held[index] for one in answered], dtype=np.float64)
    companies = _companies(answered)
    share = float(held.mean())
    excess = np.array([(held - share)[companies == company].sum() for company in np.unique(companies)])
    clusters = len(excess)
    by_company = float(np.sqrt((excess**2).sum() * clusters / max(clusters - 1, 1)) / len(held))
    return Coverage(level, share, len(held), float(np.sqrt(level * (1 - level) / len(held))), by_company)


class Against(NamedTuple):
    """Mean CRPS of ours and of another forecast on the same questions; gain: by how much ours is smaller, as a share
    of the other's; se: its standard error, companies being the unit, such that ± 1.96 se is a 95 % interval.
    """

    other: str
    ours: float
    theirs: float
    gain: float
    se: float


def against(asked: Sequence[Asked], other: str) -> Against | None:
    """None where the other did not answer all that we did."""
    answered = [one for one in asked if one.refused is None]
    if any(other not in one.crps for one in answered):
        return None
    own, theirs = (np.array([one.crps[name] for one in answered]) for name in (OURS, other))
    companies = _companies(answered)
    ratio = float(own.mean() / theirs.mean())
    excess = np.array([(own - ratio * theirs)[companies == company].sum() for company in np.unique(companies)])
    clusters = len(excess)
    se = float(np.sqrt((excess**2).sum() * clusters / max(clusters - 1, 1)) / theirs.sum())
    wide = float(t.ppf(0.975, max(clusters - 1, 1)) / 1.96)
    return Against(other, float(own.mean()), float(theirs.mean()), 1 - ratio, se * wide)


def _companies(asked: Sequence[Asked]) -> np.ndarray[Any, Any]:
    return np.array([f"{one.kind} {one.seed}" for one in asked])


def others(asked: Sequence[Asked]) -> list[Against]:
    """Every other forecast that answered all that we did, the best first."""
    answered = [one for one in asked if one.refused is None]
    names = dict.fromkeys(name for one in answered for name in one.crps if name not in (OURS, BEST))
    found = [against(asked, name) for name in names]
    return sorted((one for one in found if one is not None), key=lambda one: one.theirs)


def table(asked: Sequence[Asked]) -> str:
    """By kind and horizon: CRPS of ours, of the best other, of the process itself, and coverage; in Markdown."""
    lines = [
        "| | questions | CRPS | best other | ours closer | the process itself | "
        + " | ".join(f"{100 * level:.0f} % held" for level in LEVELS) + " | mean PIT |",
        "|---|---|---|---|---|---|" + "---|" * (len(LEVELS) + 1),
    ]  # fmt: skip
    parts = [(kind, [one for one in asked if one.kind == kind]) for kind in dict.fromkeys(one.kind for one in asked)]
    parts += [(horizon, [one for one in asked if one.horizon == horizon]) for horizon in ORIGINS]
    for name, part in [*parts, ("all", list(asked))]:
        answered = [one for one in part if one.refused is None]
        if not (closest := others(part)):
            continue
        best, possible = closest[0], against(part, BEST)
        assert possible is not None
        held = [coverage(part, level) for level in LEVELS]
        lines.append(
            f"| {name} | {len(answered)} | {best.ours:.3f} | {best.other} {best.theirs:.3f} "
            f"| {100 * best.gain:+.0f} % ± {100 * best.se:.0f} | {possible.theirs:.3f} | "
            + " | ".join(f"{100 * one.share:.0f} ± {100 * max(one.binomial, one.by_company):.0f}" for one in held)
            + f" | {np.mean([one.pit for one in answered]):.2f} |"
        )
    return "\n".join(lines)
