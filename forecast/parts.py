"""Parts of the revenue that are kept apart in the simulation, so that the answer can be asked without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.ages import Ages, ages
from forecast.draws import Scenario
from forecast.fit import Fit
from forecast.history import Ints
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
    client (N,): index in the labels of clients, -1 where not known. clients: those whose viable deals are kept apart.
    """

    value: Ints
    viable: NDArray[np.bool_]
    state: Ints
    ages: Ages
    top: Ints
    client: Ints
    clients: Ints

    def rtv(self) -> int:
        """Value of all viable open deals, minor units."""
        return int(self.value[self.viable].sum())


def parts_of(fit: Fit, prepared: Scenario, expected_days: Mapping[str, float]) -> Parts:
    """What can be told of the open deals before anything is simulated."""
    history, n = fit.history, len(prepared.open_visit)
    value = open_value(prepared)
    state = history.visits.state[prepared.open_visit]
    viable = state >= history.viable_from
    client = prepared.open_deals.groups["client"][:n]
    named = viable & (client >= 0)
    by_client = np.bincount(client[named], value[named], len(prepared.labels["client"]))
    most = np.argsort(-by_client, kind="stable")[:MOST_VIABLE]
    return Parts(
        value=value,
        viable=viable,
        state=state,
        ages=ages(fit, prepared.open_visit, expected_days),
        top=np.argsort(-value, kind="stable")[:MOST_DEALS],
        client=client,
        clients=most[by_client[most] > 0],
    )


def open_value(prepared: Scenario) -> Ints:
    """(N,) current amount of each open deal, or the mean of what it would bring if won, in minor units."""
    draws, n = prepared.draws, len(prepared.open_visit)
    amount, cell = prepared.open_deals.amount[:n], prepared.open_deals.cell[:n]
    mean = np.exp(draws.amount_log_mean + draws.amount_log_sd**2 / 2).mean(axis=0)[cell]
    return np.where(amount >= 0, amount, np.rint(np.minimum(mean, LARGEST_AMOUNT))).astype(np.int64)


def kept_apart(prepared: Scenario, parts: Parts) -> Scenario:
    """The same scenario with the groupings DEAL, VIABLE and OVERDUE.

    VIABLE: viable deals of each of `parts.clients`, those of all others, the rest. OVERDUE: overdue deals, the rest.
    """
    n = len(prepared.open_visit)
    deal, viable = np.full(n, len(parts.top)), np.full(n, len(parts.clients) + 1)
    deal[parts.top] = np.arange(len(parts.top))
    place = np.full(len(prepared.labels["client"]) + 1, len(parts.clients))
    place[parts.clients] = np.arange(len(parts.clients))
    viable[parts.viable] = place[parts.client[parts.viable]]
    groups = {DEAL: deal, VIABLE: viable, OVERDUE: np.where(parts.ages.overdue, 0, 1)}
    sizes = {DEAL: len(parts.top) + 1, VIABLE: len(parts.clients) + 2, OVERDUE: 2}
    return with_groups(prepared, groups, sizes)


def with_groups(prepared: Scenario, groups: Mapping[str, Ints], sizes: Mapping[str, int]) -> Scenario:
    """The same scenario with further groupings of the open deals: the group of each, (N,), and the number of groups.

    The last group is all the rest, deals yet to come among it.
    """

    def marked(deals: Deals, own: Mapping[str, Ints]) -> Deals:
        rest = {name: np.full(len(deals), size - 1) for name, size in sizes.items()}
        for name, index in own.items():
            rest[name][: len(index)] = index
        return replace(deals, groups={**deals.groups, **rest})

    labels = {name: [str(number) for number in range(size)] for name, size in sizes.items()}
    return replace(
        prepared, open_deals=marked(prepared.open_deals, groups), templates=marked(prepared.templates, {}),
        labels={**prepared.labels, **labels},
    )  # fmt: skip
