"""Categories that sellers forecast with (Commit, Best case, Pipeline): what stands in each, beside what is expected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.asked import AskedPeriod
from forecast.draws import Scenario
from forecast.history import History, Ints
from forecast.parts import with_groups
from forecast.periods import Period
from simulations import Outcomes, answers

COLUMN = "forecast_category"  # of the deals
CATEGORY = "crm_category"  # the grouping of the simulation; the last group is all the rest
# From the surest on; letters by which CRMs call them. What stands in these is added up, in this order.
ORDER = {
    "Commit": ("commit", "commitment", "forecast"),
    "Most likely": ("mostlikely",),
    "Best case": ("bestcase", "upside"),
    "Pipeline": ("pipeline",),
}
ADDED = tuple(ORDER)


@dataclass(frozen=True, eq=False)
class Categories:
    """periods (P): those asked about. names: categories found, those that are added up first.

    of_deal (N,): index of each open deal's category, -1 where none is told. inside (N, P): whether the deal counts in
    each period. group (N,): deals of one category that count in the same periods are one group, -1 where no category is
    told. of_group, inside_group: category and periods of each group.
    """

    periods: tuple[Period, ...]
    names: tuple[str, ...]
    of_deal: Ints
    inside: NDArray[np.bool_]
    group: Ints
    of_group: Ints
    inside_group: NDArray[np.bool_]


def categories_of(history: History, open_visit: Ints, periods: Sequence[Period]) -> Categories | None:
    """Categories of the open deals as known at the origin; None where none is known.

    A deal counts in a period by the day on which its seller expects to close it, before the origin being now; one
    without such a day counts in each, as every deal does where no day is known.
    """
    deals = history.deals.iloc[history.visits.deal[open_visit]]
    if COLUMN not in deals or deals[COLUMN].isna().all():
        return None
    told = deals[COLUMN].map(called, na_action="ignore")
    found = set(told.dropna())
    names = (*(name for name in ADDED if name in found), *sorted(found - set(ADDED)))
    of_deal = pd.Index(names).get_indexer(pd.Index(told)).astype(np.int64)
    inside = np.ones((len(deals), len(periods)), dtype=bool)
    if "expected_close" in deals:
        close = pd.to_datetime(deals["expected_close"])
        close = close.mask(close < history.origin, history.origin)
        for number, period in enumerate(periods):
            within = (close >= pd.Timestamp(period.start)) & (close < pd.Timestamp(period.after))
            inside[:, number] = within | close.isna()
    group = np.full(len(deals), -1)
    known = of_deal >= 0
    rows, group[known] = np.unique(np.column_stack([of_deal, inside])[known], axis=0, return_inverse=True)
    return Categories(tuple(periods), names, of_deal, inside, group, rows[:, 0], rows[:, 1:].astype(bool))


def kept_by_category(prepared: Scenario, categories: Categories | None) -> Scenario:
    """The same scenario with the grouping CATEGORY, where there are categories."""
    if categories is None:
        return prepared
    size = len(categories.of_group) + 1
    group = np.where(categories.group < 0, size - 1, categories.group)
    return with_groups(prepared, {CATEGORY: group}, {CATEGORY: size})


def called(category: Any) -> str:
    """The usual name of a category, or its own."""
    letters = re.sub(r"[^a-z]", "", str(category).lower())
    return next((name for name, forms in ORDER.items() if letters in forms), str(category).strip())


def by_category(
    asked: AskedPeriod, period: Period, categories: Categories | None, value: Ints, outcomes: Outcomes
) -> list[dict[str, Any]] | None:
    """Rows of a period; None without categories. value (N,): minor units of each open deal.

    Won to date and the value of a category and of all surer ones are added up, and held against the target.
    """
    if categories is None:
        return None
    number = categories.periods.index(period)
    expected = answers.sums_by_group(outcomes, CATEGORY, asked.months).mean(axis=0)
    total, rows = float(asked.won_to_date), []
    for index, name in enumerate(categories.names):
        here = (categories.of_deal == index) & categories.inside[:, number]
        groups = np.flatnonzero((categories.of_group == index) & categories.inside_group[:, number])
        added = name in ADDED
        total += float(value[here].sum()) if added else 0.0
        rows.append(
            {
                "category": name,
                "deals": int(here.sum()),
                "value": asked.money(value[here].sum()),
                "expected": asked.money(expected[groups].sum()),
                "won_and_surer": asked.money(total) if added else None,
                "share_of_target": total / asked.target if added else None,
            }
        )
    return rows
