"""How clients differ, in every draw of a fit: what each of them did, against what was expected of its deals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecast.fit import Fit
from forecast.history import Floats, Ints, days
from forecast.models.clients import NO_CLIENTS, ClientTerms, client_terms, expected_by_client
from forecast.models.exits import kinds_present
from forecast.models.priors import Priors
from simulations import Frailty

CERTAIN = 1e12  # exits seen and expected of clients that count as all others do: a multiplier of one, to six digits


def clients_apart(fit: Fit) -> tuple[list[str], ClientTerms]:
    """The clients with a frailty of their own, sorted, and what is known of them at the origin of the history."""
    if "frailty_shape" not in fit.posterior:
        return [], NO_CLIENTS
    names, client = fit.coding.clients_apart(fit.history)
    edges = days(pd.Series(fit.months.append(fit.months[-1:] + pd.offsets.MonthBegin())))
    return names, client_terms(
        fit.history, client, len(names), fit.cell_of_deal, fit.exposure.funnel, edges, Priors()
    )  # fmt: skip


def expected(fit: Fit, terms: ClientTerms, draws: Ints) -> Floats:
    """(draws, N) advances and wins expected of each client at a frailty of one."""
    kind = np.searchsorted(kinds_present(fit.exposure), fit.exposure.funnel.kinds)
    found = np.zeros((len(draws), len(terms.exits)))
    for row, draw in enumerate(draws):
        base, calendar = fit.posterior["log_hazard"][draw], fit.posterior["log_calendar"][draw][kind]
        found[row] = expected_by_client(terms, base, calendar, fit.posterior["effect"][draw] @ fit.design.matrix)
    return found


def frailty(fit: Fit, names: Sequence[str], keys: np.ndarray) -> Frailty | None:
    """Of the clients of these names, for the simulator; None where the fit has no frailty.

    Those that have none of their own, the group of all others among them, are at one in every draw.
    """
    apart, terms = clients_apart(fit)
    if not apart:
        return None
    place = pd.Index(apart).get_indexer(pd.Index(names))
    exits = np.where(place >= 0, terms.exits[place], CERTAIN)
    exposure = np.where(place >= 0, expected(fit, terms, np.arange(fit.n_draws))[:, place], CERTAIN)
    shape = np.clip(fit.posterior["frailty_shape"], 1e-3, 1e9)
    return Frailty(shape, keys, exits, exposure)
