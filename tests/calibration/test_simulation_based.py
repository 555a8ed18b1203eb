"""Simulation-based calibration (Talts et al. 2018): over worlds drawn from the priors, the rank of every true
parameter among draws from its posterior is uniform, if density, sampler and data agree. And so intervals hold the
truth as often as they say, with few deals and with many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import chisquare

from forecast.history import Floats
from forecast.models.definition import by_name, expand
from forecast.models.levels import rates_of
from forecast.models.sampling import sample
from tests.forecast.models.worlds import AGES, EXITS, KIND, ONWARDS, World, world

WORLDS = 240
DRAWS = 1999  # kept 99 of them at even distance: ranks 0..99
KEPT = 99
BINS = 20  # of 5 ranks; 12 worlds expected in each
LEVEL = 0.01  # of a false alarm, over all quantities together
FULL_SIZE, TIMES = 60, 36.0  # companies of twenty thousand deals
INTERVALS = (0.5, 0.8, 0.9)
COVERED = ("conversion", "lead time", "size of shock", "frailty", "arrivals")


class Ranks(NamedTuple):
    """By quantity, (worlds,) ranks of the truth, and those among draws that are too narrow or moved."""

    honest: dict[str, list[int]]
    narrow: dict[str, list[int]]
    moved: dict[str, list[int]]


def quantities(values: Mapping[str, Floats]) -> dict[str, Floats]:
    """(draws,) by name: parameters, what a user reads of them, and sums in which many parameters come together."""
    hazard, calendar, effect = values["log_hazard"], values["log_calendar"], values["effect"]
    told = {}
    for j, (source, to) in enumerate(EXITS):
        told[f"level {source}->{to}"] = hazard[:, j].mean(axis=1)
        told[f"first days {source}->{to}"] = hazard[:, j, 0]
        told[f"old age {source}->{to}"] = hazard[:, j, -1] - hazard[:, j, 0]
        told[f"region {source}->{to}"] = effect[:, j, 0]
        told[f"slope of size {source}->{to}"] = effect[:, j, 2]
        told[f"in March {source}->{to}"] = (hazard[:, j] + calendar[:, KIND[j], 2, None]).mean(axis=1)
    for kind in range(3):
        for name, column in zip(("quarter", "drift", "shock"), range(3), strict=True):
            told[f"size of {name}, kind {kind}"] = values["log_calendar_size"][:, kind, column]
        told[f"spread of months, kind {kind}"] = calendar[:, kind].std(axis=1)
        told[f"size of regions, kind {kind}"] = values["log_effect_size"][:, kind, 0]
    for source in (0, 1):
        here = [j for j, (state, _) in enumerate(EXITS) if state == source]
        rates = rates_of(hazard[:, here], ONWARDS[here].tolist(), AGES)
        told[f"conversion of stage {source}"], told[f"lead time of stage {source}"] = rates.T
    told["frailty"] = values["log_frailty_variance"][:, 0]
    told["arrivals in January"], told["arrivals in December"] = values["log_arrival_rate"][:, [0, -1]].T
    told["drift of arrivals"] = values["log_arrival_size"][:, 0]
    told["scatter of arrivals"] = values["log_arrival_scatter"][:, 0]
    told["level of amounts"], told["amounts by size"] = values["log_amount"][:, [0, 3]].T
    told["scatter of amounts"] = values["log_amount_scatter"][:, 0]
    return told


def posterior(made: World, seed: int) -> tuple[dict[str, Floats], int]:
    """(KEPT, ...) by name, and the number of divergences."""
    points, divergences = sample(made.terms, DRAWS, seed, 0.95, 1, lambda *_: None)
    stacked = np.swapaxes(points, 0, 1).reshape(-1, points.shape[-1])
    kept = stacked[np.linspace(0, len(stacked) - 1, KEPT).round().astype(np.int64)]
    return {**by_name(made.terms, kept), **expand(made.terms, kept)}, divergences


def unlikely(ranks: Mapping[str, list[int]]) -> dict[str, float]:
    """The p-values of chi-square tests for uniform ranks that are too small for so many quantities (Bonferroni)."""
    found = {}
    for name, of_quantity in ranks.items():
        counts = np.bincount(np.array(of_quantity) * BINS // (KEPT + 1), minlength=BINS)
        p = float(chisquare(counts).pvalue)
        if p < LEVEL / len(ranks):
            found[name] = p
    return found


@pytest.mark.calibration
def test_ranks_of_the_truth_are_uniform() -> None:
    """And those among draws that are a third too narrow, or moved by half a standard deviation, are not."""
    ranks = Ranks({}, {}, {})
    for seed in range(WORLDS):
        made = world(seed)
        drawn, divergences = posterior(made, seed)
        told, truths = quantities(drawn), quantities({name: value[None] for name, value in made.truth.items()})
        assert told.keys() == truths.keys()
        for name, values in told.items():
            truth, middle = truths[name][0], values.mean()
            for kind, seen in zip(
                ranks, (values, middle + (values - middle) * 2 / 3, values + values.std() / 2), strict=True
            ):
                kind.setdefault(name, []).append(int((seen < truth).sum()))
        if seed % 20 == 19:
            print(
                f"{seed + 1} worlds, {divergences} divergences in the last; unlikely: {unlikely(ranks.honest)}",
                flush=True,
            )
    smallest = {name: float(chisquare(np.bincount(np.array(r) * BINS // (KEPT + 1), minlength=BINS)).pvalue)
                for name, r in ranks.honest.items()}  # fmt: skip
    print("smallest p-values:", sorted(smallest.items(), key=lambda item: item[1])[:5], "of", len(smallest))
    assert not unlikely(ranks.honest)
    assert len(unlikely(ranks.narrow)) > len(smallest) / 2
    assert len(unlikely(ranks.moved)) > len(smallest) / 2


@pytest.mark.calibration
def test_intervals_of_full_size_companies_hold_the_truth() -> None:
    """Of every kind of quantity, as often as they say, within three standard errors, the worlds being independent."""
    held: dict[tuple[str, float], list[float]] = {(kind, share): [] for kind in COVERED for share in INTERVALS}
    for seed in range(FULL_SIZE):
        made = world(10_000 + seed, TIMES)
        drawn, _ = posterior(made, seed)
        told, truths = quantities(drawn), quantities({name: value[None] for name, value in made.truth.items()})
        for kind, share in held:
            of_kind = [name for name in told if name.startswith(kind)]
            ends = [np.quantile(told[name], ((1 - share) / 2, (1 + share) / 2)) for name in of_kind]
            inside = [low <= truths[name][0] <= high for name, (low, high) in zip(of_kind, ends, strict=True)]
            held[kind, share].append(float(np.mean(inside)))
        if seed % 10 == 9:
            print(f"{seed + 1} companies:", {of: f"{np.mean(shares):.2f}" for of, shares in held.items()}, flush=True)
    for (kind, share), shares in held.items():
        # KEPT draws: their quantiles are those of a sample, so that an interval of theirs holds a little less.
        error = np.sqrt(share * (1 - share) * (1 / len(shares) + 1 / KEPT))
        assert abs(np.mean(shares) - share) <= 3 * error, (kind, share, np.mean(shares))
