"""One small fit, sampled once for all tests that look at one: nearly all of its time is compilation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unittest.mock import patch

import pandas as pd

from forecast import fit as module
from forecast.fit import Fit, fit
from forecast.history import History, as_of
from forecast.sources.tables import Known
from forecast.synthetic import recovery
from tests.forecast.histories import FunnelSection, company_tables

ORIGIN, UNTIL = pd.Timestamp("2024-10-10"), pd.Timestamp("2025-03-31")
DRAWS, SEED = 400, 7
COMPANY = replace(recovery(1, deals=700), stages=recovery(1).stages[:3], timed=False, clients=12, amount_step=0.01)


@dataclass
class Sampled:
    """A fit, with its trace and what is needed to sample it again without compiling it again."""

    fit: Fit
    compiled: Any
    trace: Any
    told: list[tuple[str, int, int]] = field(default_factory=list)

    def compiled_already(self) -> AbstractContextManager[Any]:
        return patch.object(module, "_compile", lambda model, progress: self.compiled)


def history() -> History:
    """Dates only, amounts known at the close, as of a day within a month."""
    made = company_tables(COMPANY, 1, amount=Known.CLOSE, client=Known.CLOSE)
    return as_of(made, FunnelSection(stages=tuple(stage.name for stage in COMPANY.stages)), ORIGIN)


def sample(**options: Any) -> Fit:
    return fit(history(), ["segment"], until=UNTIL, **{"draws": DRAWS, "seed": SEED, **options})


@cache
def small_fit() -> Sampled:
    kept: dict[str, Any] = {}

    def keeping(name: str) -> AbstractContextManager[Any]:
        original: Callable[..., Any] = getattr(module, name)

        def kept_result(*arguments: Any) -> Any:
            kept[name] = original(*arguments)
            return kept[name]

        return patch.object(module, name, kept_result)

    told: list[tuple[str, int, int]] = []
    with keeping("_compile"), keeping("_sample"):
        fitted = sample(progress=lambda *news: told.append(news))
    return Sampled(fitted, kept["_compile"], kept["_sample"], told)
