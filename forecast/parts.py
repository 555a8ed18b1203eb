"""Parts of the revenue that are kept apart in the simulation, so that the answer can be asked without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.ages import Ages, ages
from forecast.coding import clients
from forecast.draws import Scenario, client_codes
from forecast.fit import Fit
from forecast.history import History, Ints
from forecast.single_clients import PAYER, SINGLE, VIABLE_SINGLE, Level, groups_of, names_of, singles
from simulations import Deals
from simulations.deals import LARGEST_AMOUNT

# Groupings of the open deals; in each, the last group is all the rest, deals yet to come among it.
DEAL, VIABLE, OVERDUE = "deal", "viable", "overdue"
MOST_DEALS = 50  # open deals kept apart, the most valuable ones
MOST_VIABLE = 20  # clients whose viable deals are kept apart, those with most value in them


@dataclass(frozen=True, eq=False)
class Parts:
    """What is known of the N open deals, in the order of Scenario.open_visit, and how they are kept apart.

    value (N,): minor units, the amount or, where it is not known, the mean of what it would bring if won. viable (N,).
    state (N,): index of the stage. ages: see there. top (at most MOST_DEALS,): numbers of the deals kept apart.
    payers: the clients who would pay; singles: each client by itself, where some are rolled up to a parent.
    """

    value: Ints
    viable: NDArray[np.bool_]
    state: Ints
    ages: Ages
    top: Ints
    payers: Level
    singles: Level | None = None

    @property
    def levels(self) -> tuple[Level, ...]:
        return (self.payers,) if self.singles is None else (self.payers, self.singles)

    def rtv(self) -> int:
        """Value of all viable open deals, minor units."""
        return int(self.value[self.viable].sum())


def parts_of(fit: Fit, prepared: Scenario, expected_days: Mapping[str, float]) -> Parts:
    """What can be told of the open deals before anything is simulated."""
    history, n = fit.history, len(prepared.open_visit)
    value = open_value(prepared)
    state = history.visits.state[prepared.open_visit]
    viable = state >= history.viable_from
    names = prepared.labels[PAYER]
    client = prepared.open_deals.groups[PAYER][:n]
    apart = _most_viable(client, np.where(viable, value, 0), len(names))
    return Parts(
        value=value,
        viable=viable,
        state=state,
        ages=ages(fit, prepared.open_visit, expected_days),
        top=np.argsort(-value, kind="stable")[:MOST_DEALS],
        payers=Level(PAYER, VIABLE, names, clients(history), client, apart),
        singles=_singles(history, prepared, np.where(viable, value, 0)),
    )


def _singles(history: History, prepared: Scenario, viable: Ints) -> Level | None:
    if (client := singles(history)) is None:
        return None
    names = names_of(client, history.deals["amount"])
    codes = client_codes(client, names)[prepared.deal_row[: len(viable)]]
    return Level(SINGLE, VIABLE_SINGLE, names, client, codes, _most_viable(codes, viable, len(names)))


def _most_viable(client: Ints, viable: Ints, size: int) -> Ints:
    """Clients with most viable value, given the client of each open deal and its value, 0 where it is not viable."""
    known = client >= 0
    value = np.bincount(client[known], viable[known], size)
    most = np.argsort(-value, kind="stable")[:MOST_VIABLE]
    return most[value[most] > 0]


def open_value(prepared: Scenario) -> Ints:
    """(N,) current amount of each open deal, or the mean of what it would bring if won, in minor units."""
    draws, n = prepared.draws, len(prepared.open_visit)
    amount, cell = prepared.open_deals.amount[:n], prepared.open_deals.cell[:n]
    mean = np.exp(draws.amount_log_mean + draws.amount_log_sd**2 / 2).mean(axis=0)[cell]
    return np.where(amount >= 0, amount, np.rint(np.minimum(mean, LARGEST_AMOUNT))).astype(np.int64)


def kept_apart(history: History, prepared: Scenario, parts: Parts) -> Scenario:
    """The same scenario with the groupings DEAL, OVERDUE and, of each level of clients, of viable deals: those of each
    client kept apart, those of all others, the rest. OVERDUE: overdue deals, the rest. Single clients are a grouping,
    too, where they are told of.
    """
    n = len(prepared.open_visit)
    deal = np.full(n, len(parts.top))
    deal[parts.top] = np.arange(len(parts.top))
    groups = {DEAL: deal, OVERDUE: np.where(parts.ages.overdue, 0, 1)}
    sizes = {DEAL: len(parts.top) + 1, OVERDUE: 2}
    for level in parts.levels:
        others = len(level.apart)
        place = np.full(len(level.names) + 1, others)
        place[level.apart] = np.arange(others)
        groups[level.viable] = np.where(parts.viable, place[level.open], others + 1)
        sizes[level.viable] = others + 2
    if parts.singles is None:
        return with_groups(prepared, groups, sizes)
    groups[SINGLE], of_new = groups_of(history, prepared, parts.singles)
    sizes[SINGLE] = len(parts.singles.names)
    return with_groups(prepared, groups, sizes, {SINGLE: of_new})


def with_groups(
    prepared: Scenario, groups: Mapping[str, Ints], sizes: Mapping[str, int], of_new: Mapping[str, Ints] | None = None
) -> Scenario:
    """The same scenario with further groupings of the open deals: the group of each, (N,), and the number of groups.

    The last group is all the rest, deals yet to come among it, unless `of_new` tells the groups of the templates.
    """

    def marked(deals: Deals, own: Mapping[str, Ints]) -> Deals:
        rest = {name: np.full(len(deals), size - 1) for name, size in sizes.items()}
        for name, index in own.items():
            rest[name][: len(index)] = index
        return replace(deals, groups={**deals.groups, **rest})

    labels = {name: [str(number) for number in range(size)] for name, size in sizes.items()}
    return replace(
        prepared, open_deals=marked(prepared.open_deals, groups), templates=marked(prepared.templates, of_new or {}),
        labels={**prepared.labels, **labels},
    )  # fmt: skip
