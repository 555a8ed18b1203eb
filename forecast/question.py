"""The question: will each period's won value reach its target, asked as of a day?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.periods import Period, parse_period
from forecast.sources.tables import Tables

MOST_YEARS = 10  # beyond, what a forecast says is its prior's
LARGEST_SEED = 2**63


@dataclass(frozen=True)
class Question:
    """As of the morning of `origin`: will each period's won value reach its target (in units of currency)?"""

    origin: date
    periods: tuple[tuple[Period, float], ...]
    draws: int
    seed: int


def question_from(
    config: Config,
    tables: Tables,
    *,
    as_of: str | date | None = None,
    period: str | Sequence[str] | None = None,
    target: str | float | Sequence[str | float] | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> Question:
    """The question as typed, completed from the funnel file; without a date, as of the end of the records.

    Raises FunnelError for what is missing or cannot be asked.
    """
    asked = config.forecast
    origin = _date(as_of) if as_of is not None else asked.origin or tables.recorded_until.date()
    if period is None and target is None:
        periods = list(config.periods())
    else:
        periods = _paired(_listed(period), _listed(target), config)
    if not periods:
        raise FunnelError(
            "no period was asked about",
            remedy="Say --period 2017Q4 --target 1000000, or write [[forecast.periods]] in the funnel file.",
        )
    for one, amount in periods:
        if amount is None:
            raise FunnelError(f"the period {one.label} has no target", remedy="Say --target AMOUNT.")
        if one.after > origin.replace(year=origin.year + MOST_YEARS, day=1):
            raise FunnelError(
                f"the period {one.label} ends more than {MOST_YEARS} years after the as-of date {origin}",
                remedy="Ask about a period that ends earlier.",
            )
        if one.after <= origin:
            raise FunnelError(
                f"the period {one.label} ends on {one.end}, before the as-of date {origin}: it is wholly in the past",
                remedy="Ask about a period that ends later, or as of an earlier date (--as-of).",
            )
    chosen = asked.seed if seed is None else seed
    if not 0 <= chosen < LARGEST_SEED:
        raise FunnelError(f"the seed {chosen} is not within 0 and {LARGEST_SEED - 1}", remedy="Give a smaller one.")
    return Question(
        origin,
        tuple((one, float(amount)) for one, amount in periods if amount is not None),
        asked.draws if draws is None else draws,
        chosen,
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _paired(labels: list[Any], targets: list[Any], config: Config) -> list[tuple[Period, float | None]]:
    """Periods with their targets, as typed or from the funnel file, whichever is not typed."""
    known = config.periods()
    if not labels:
        labels = [period.label for period, _ in known]
    periods = [parse_period(str(label), config.funnel.fiscal_year_starts) for label in labels]
    in_file = {period.label: amount for period, amount in known}
    if not targets:
        return [(period, in_file.get(period.label)) for period in periods]
    if len(targets) != len(periods):
        raise FunnelError(
            f"{len(periods)} periods were asked about, with {len(targets)} targets",
            remedy="Give one --target for each --period.",
        )
    return [(period, _amount(value)) for period, value in zip(periods, targets, strict=True)]


def _amount(value: Any) -> float:
    """A number, with or without commas or underscores between thousands."""
    text = str(value).strip()
    if re.fullmatch(r"\d{1,3}([,_]\d{3})+(\.\d*)?", text):
        text = text.replace(",", "").replace("_", "")
    try:
        amount = float(text)
    except ValueError:
        amount = np.nan
    if not 0 < amount < np.inf:
        raise FunnelError(f"the target '{value}' is not a positive number", remedy="Write it as 3280000 or 3280000.50.")
    return amount


def _date(value: str | date) -> date:
    if isinstance(value, datetime):
        return value.date()
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise FunnelError(f"'{value}' is not a date", remedy="Write it as 2017-10-01.") from None
