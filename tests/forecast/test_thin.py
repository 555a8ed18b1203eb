"""Hardly any data, or none: what was stated comes out again, and what was not is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import arviz
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from forecast import fit as module
from forecast.draws import scenario
from forecast.errors import FunnelError
from forecast.exposure import cell_table, expose
from forecast.fit import Fit, fit
from forecast.history import Floats, History, day_of
from forecast.models import design
from forecast.models.amounts import WonAmounts, amount_terms
from forecast.models.arrivals import MONTH, Arrivals, arrival_terms
from forecast.models.clients import NO_CLIENTS
from forecast.models.definition import by_name, expand
from forecast.models.density import Terms
from forecast.models.exits import exit_terms
from forecast.models.levels import SAMPLES, rates_of
from forecast.models.priors import NORMAL_95, Priors, log_range, logit_range
from forecast.models.sampling import sample
from forecast.models.whiten import coloured
from forecast.sources.tables import Known
from simulations import Kind
from simulations.deals import UNKNOWN
from tests.forecast.histories import FUNNEL, history_of, tables

STAGES = FUNNEL.stages
PRIORS = Priors(
    stages={stage: ((0.2, 0.1 * i + 0.6), (4.0, 20.0 * i + 40.0)) for i, stage in enumerate(STAGES)},
    new_deals=(4.0, 16.0),
    amount=(500.0, 8_000.0),
)
ORIGIN, UNTIL = pd.Timestamp("2020-03-15"), pd.Timestamp("2020-09-30")


def five_open(amounts: bool = True) -> History:
    """Created on one day a week, none of them closed."""
    rows = [(f"{i}", STAGES[0], f"2020-02-{7 * i + 1:02d}", 1_000.0 + i) for i in range(4)]
    rows += [("9", STAGES[0], "2020-02-20", 900.0), ("9", STAGES[1], "2020-02-24", 900.0)]
    made = tables([row if amounts else row[:3] for row in rows], until="2020-03-15", owner=["x"] * 5)
    return history_of(made, ORIGIN)


# --- the prior alone ---


def alone() -> Terms:
    """All terms of the model without a day on record: only what is stated is left."""
    history = five_open()
    cells, cell_of_deal = cell_table(history, [])
    seen = expose(history, cells, cell_of_deal)
    none = {
        name: 0 * getattr(seen, name) for name in ("days_at_risk", "exits_by_age", "exits_by_month", "exits_by_cell")
    }
    months = len(seen.month_edges) - 1
    by_cell, zero = design.cells(cells), np.zeros(1)
    by_month = design.arrivals(np.arange(months), months - 1, False)
    return Terms(
        exit_terms(replace(seen, **none), design.calendar(np.arange(months), months - 1), by_cell, PRIORS),
        arrival_terms(Arrivals(np.zeros(months), np.zeros(months)), by_month, PRIORS),
        amount_terms(WonAmounts(zero, zero, zero), by_cell, 0, PRIORS),
        NO_CLIENTS,
    )


def assert_range(drawn: Floats, middle: float, sd: float) -> None:
    """drawn: (chains, draws), whose 95 % range is this one on a normal scale: within five standard errors of its ends,
    by the effective number of draws, and by that of the rates from which the prior was found.
    """
    for probability, end in ((0.025, -NORMAL_95), (0.975, NORMAL_95)):
        effective = float(arviz.ess(drawn, method="quantile", prob=probability))
        error = np.sqrt(0.025 * 0.975 * (1 / effective + 1 / SAMPLES)) / norm.pdf(NORMAL_95)
        assert abs((np.quantile(drawn, probability) - middle) / sd - end) < 5 * error


def test_prior_alone_gives_back_what_was_stated() -> None:
    """Through the density that is sampled: the shape of the ages is open, and so are the months."""
    terms = alone()
    points, divergences = sample(terms, 4_000, 1, 0.9, 1, lambda *_: None)
    assert divergences < module.MOST_DIVERGENCES * 4_000
    raw, values = by_name(terms, points), expand(terms, points)
    profile, funnel = coloured(terms.exits.profile, raw["profile_white"]), history_funnel()
    source, onwards = np.array(funnel.exits)[:, 0], np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON))
    for number, name in enumerate(STAGES):
        own = source == number
        flat = profile[:, :, own].reshape(-1, own.sum(), funnel.n_bins)
        rates = rates_of(flat, onwards[own].tolist(), funnel.age_edges).reshape(*profile.shape[:2], 2)
        conversion, lead_time = PRIORS.of_stage(name)
        assert_range(rates[..., 0], *logit_range(conversion))
        assert_range(rates[..., 1], *log_range(lead_time))
    assert PRIORS.new_deals is not None
    assert PRIORS.amount is not None
    assert_range(values["arrival_effect"][..., 0] + np.log(MONTH), *log_range(PRIORS.new_deals))
    one = np.random.default_rng(1).standard_normal(profile.shape[:2])
    assert_range(values["log_amount"][..., 0] + values["amount_scatter"] * one, *log_range(PRIORS.amount))


def history_funnel() -> Any:
    history = five_open()
    return expose(history, *cell_table(history, [])).funnel


# --- no closed deal ---


@pytest.fixture(scope="module")
def nothing_closed() -> Fit:
    return fit(five_open(), [], until=UNTIL, draws=400, seed=1, priors=PRIORS)


def test_without_a_closed_deal_there_is_a_fit(nothing_closed: Fit) -> None:
    assert nothing_closed.health.healthy
    assert (nothing_closed.history.visits.state < nothing_closed.history.won).all()
    for values in nothing_closed.posterior.values():
        assert np.isfinite(values).all()


def test_new_deals_are_past_ones_or_the_assumed_one(nothing_closed: Fit) -> None:
    edges = np.array(
        [day_of(pd.Timestamp("2020-03-15")), day_of(pd.Timestamp("2020-04-01")), day_of(pd.Timestamp("2020-07-01"))]
    )
    plain = scenario(replace(nothing_closed, assumed=0.0), edges, [], minor=100, seed=1)
    assert len(plain.templates) == 5
    made = scenario(nothing_closed, edges, [], minor=100, seed=1)
    assert len(made.templates) == 6
    assert list(made.templates.amount[:5]) == list(plain.templates.amount)
    assert nothing_closed.assumed == 2
    assert list(made.templates_of(np.ones(5, dtype=bool))) == [True] * 5 + [False]
    assert made.templates.amount[5] == UNKNOWN
    assert made.templates.stage[5] == 0
    assert made.labels["client"][made.templates.groups["client"][5]] == "(new clients)"
    assert made.draws.n_cells == plain.draws.n_cells + 1
    assert (made.draws.effect[:, :, made.templates.cell[5]] == 1).all()
    level = nothing_closed.posterior["log_amount"][:, 0] + np.log(100)
    np.testing.assert_allclose(made.draws.amount_log_mean[:, -1], level)
    # Weights are Dirichlet: two of seven deals, with the variance of a beta.
    weight = np.diff(made.draws.template_cdf, axis=1)[:, -1]
    assert weight.mean() == pytest.approx(2 / 7, abs=5 * np.sqrt(2 / 7 * 5 / 7 / 8 / len(weight)))


def test_assumed_deal_where_clients_are_not_known(nothing_closed: Fit) -> None:
    hidden = replace(nothing_closed.history, known={**nothing_closed.history.known, "client": Known.CLOSE})
    edges = np.array([day_of(pd.Timestamp("2020-03-15")), day_of(pd.Timestamp("2020-04-01"))])
    made = scenario(replace(nothing_closed, history=hidden), edges, ["owner"], minor=1, seed=1)
    assert made.templates.groups["client"][5] == UNKNOWN
    assert made.labels["owner"][made.templates.groups["owner"][5]] == "(none)"


# --- what is asked for ---


def refused(priors: Priors, told: str, remedy: str, history: History | None = None) -> None:
    with pytest.raises(FunnelError, match=told) as caught:
        fit(five_open() if history is None else history, [], until=UNTIL, priors=priors)
    assert remedy in (caught.value.remedy or "")


def test_what_is_missing_is_asked_for() -> None:
    refused(Priors(), "only 1 changes of stage are on record .* of 0 closed deals", "funnel init --template NAME")
    one = {STAGES[0]: PRIORS.stages[STAGES[0]]}
    refused(replace(PRIORS, stages=one), "only 1 changes of stage", "every stage under [priors.stages]")
    refused(replace(PRIORS, amount=None), "none of the 0 deals won", "amount = [", five_open(amounts=False))
    young = history_of(tables([("1", STAGES[0], "2020-03-10", 50.0)], until="2020-03-15"), ORIGIN)
    refused(replace(PRIORS, new_deals=None), "cannot be told from 4 days on record", "new_deals = [", young)
