"""How much of what a forecast leaves open rests on assumptions, and how much on data.

Of a quantity, on the scale on which its prior is normal, the assumed share is

    posterior variance / prior variance,

one less the posterior contraction (Schad, Betancourt and Vasishth 2021). Where both are normal it is the share of the
posterior precision that the prior brings: 1 where the data say nothing of it, near 0 where they say all. Of revenue it
is the mean of these shares, each weighted with the variance of revenue that goes with its quantity: the square of its
standardised coefficient when the draws of revenue are regressed on those of all quantities, less the square of its
error. What chance and months to come add is no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.fit import Fit
from forecast.history import Floats, Ints
from forecast.models.amounts import level_sd as amount_level_sd
from forecast.models.arrivals import level_prior as arrival_level_prior
from forecast.models.priors import Priors, log_range, logit_range
from forecast.rates import StageRates, thinned


@dataclass(frozen=True, eq=False)
class Quantity:
    """What the forecast rests on: `values` (draws,) of the posterior, of which `assumed` is the prior's share."""

    name: str
    values: Floats
    assumed: float
    stage: str | None = None


@dataclass(frozen=True, eq=False)
class Assumptions:
    """Quantities by stage (conversion and lead time of each), and those of the whole funnel: new deals and, where their
    amounts are modelled, amounts.
    """

    stages: tuple[tuple[Quantity, Quantity], ...]
    new_deals: Quantity
    amounts: Quantity | None
    draws: Ints  # those that the values are of

    @property
    def every(self) -> list[Quantity]:
        whole = [self.new_deals] if self.amounts is None else [self.new_deals, self.amounts]
        return [*(one for pair in self.stages for one in pair), *whole]


def assumptions(fit: Fit, priors: Priors, rates: Sequence[StageRates]) -> Assumptions:
    """rates: of the open stages, in order."""
    draws, stages = thinned(fit), []
    for name, rate in zip(fit.history.states, rates, strict=False):  # won and lost have none
        conversion, lead_time = priors.of_stage(name)
        share = np.clip(rate.conversion, 1e-9, 1 - 1e-9)
        odds, time = np.log(share / (1 - share)), np.log(rate.lead_time)
        of_odds = _quantity("conversion", odds, logit_range(conversion)[1], name)
        stages.append((of_odds, _quantity("lead_time", time, log_range(lead_time)[1], name)))
    posterior, amounts = fit.posterior, None
    created = _quantity("new_deals", posterior["arrival_effect"][draws, 0], arrival_level_prior(priors)[1])
    if "log_amount" in posterior:
        amounts = _quantity("amounts", posterior["log_amount"][draws, 0], amount_level_sd(priors))
    return Assumptions(tuple(stages), created, amounts, draws)


def _quantity(name: str, values: Floats, prior_sd: float, stage: str | None = None) -> Quantity:
    return Quantity(name, values, min(float(np.var(values, ddof=1)) / prior_sd**2, 1.0), stage)


def told(found: Assumptions) -> dict[str, Any]:
    """As plain data, but for the periods."""
    return {
        "stages": [
            {"stage": odds.stage, "conversion": odds.assumed, "lead_time": time.assumed} for odds, time in found.stages
        ],
        "new_deals": found.new_deals.assumed,
        "amounts": None if found.amounts is None else found.amounts.assumed,
    }


def of_revenue(found: Assumptions, draw: Ints, revenue: Floats | Ints) -> dict[str, Any] | None:
    """The assumed share of revenue (simulations,), with the draw of each, and the quantity that brings most of it; None
    where revenue does not depend on any of them.
    """
    size = int(draw.max()) + 1
    means = np.bincount(draw, weights=revenue, minlength=size) / np.maximum(np.bincount(draw, minlength=size), 1)
    mean = means[found.draws]
    if len(mean) <= len(found.every) + 1 or np.ptp(mean) == 0:
        return None
    values = np.column_stack([one.values for one in found.every])
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
    design = np.column_stack([np.ones(len(mean)), values])
    inverse = np.linalg.pinv(design.T @ design)
    coefficient = inverse @ design.T @ mean
    left = mean - design @ coefficient
    error = left @ left / (len(mean) - design.shape[1]) * np.diag(inverse)
    weight = np.maximum(coefficient**2 - error, 0)[1:]
    if weight.sum() == 0:
        return None
    brought = weight / weight.sum() * [one.assumed for one in found.every]
    most = found.every[int(np.argmax(brought))]
    return {"share": float(brought.sum()), "most": most.name, "stage": most.stage}
