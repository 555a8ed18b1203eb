"""One small fit, sampled once for all tests that look at one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest.mock import patch

import pandas as pd

from forecast import fit as module
from forecast.fit import Fit, fit
from forecast.history import Floats, History, as_of
from forecast.sources.tables import Known
from forecast.synthetic import recovery
from tests.forecast.histories import FunnelSection, company_tables

ORIGIN, UNTIL = pd.Timestamp("2024-10-10"), pd.Timestamp("2025-03-31")
DRAWS, SEED = 400, 7
COMPANY = replace(recovery(1, deals=700), stages=recovery(1).stages[:3], timed=False, clients=12, amount_step=0.01)


@dataclass(frozen=True)
class Sampled:
    """A fit, with its raw vectors and number of divergences, and what was told of its progress."""

    fit: Fit
    points: tuple[Floats, int]
    told: list[tuple[str, int, int]]


def history() -> History:
    """Dates only, amounts known at the close, as of a day within a month."""
    made = company_tables(COMPANY, 1, amount=Known.CLOSE, client=Known.CLOSE)
    return as_of(made, FunnelSection(stages=tuple(stage.name for stage in COMPANY.stages)), ORIGIN)


def sample(**options: Any) -> Fit:
    return fit(history(), ["segment"], until=UNTIL, **{"draws": DRAWS, "seed": SEED, **options})


@cache
def small_fit() -> Sampled:
    kept: list[tuple[Floats, int]] = []
    original = module.sample

    def keeping(*arguments: Any, **options: Any) -> tuple[Floats, int]:
        kept.append(original(*arguments, **options))
        return kept[-1]

    told: list[tuple[str, int, int]] = []
    with patch.object(module, "sample", keeping):
        fitted = sample(progress=lambda *news: told.append(news))
    return Sampled(fitted, kept[-1], told)
