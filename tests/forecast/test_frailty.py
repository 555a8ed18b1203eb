"""Clients that differ, found again: one fit of a company that moves as the model says, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast import coding as coding_module
from forecast import rates as rates_module
from forecast.coding import APART, NO, YES
from forecast.draws import NEWCOMERS, deal_keys, scenario
from forecast.fit import Fit, fit
from forecast.frailty import CERTAIN, clients_apart, expected, frailty
from forecast.history import as_of, days
from forecast.models.clients import ClientTerms, added_exits
from forecast.models.contraction import compressed, expected_exits
from forecast.models.exits import kinds_present
from forecast.rates import stage_rates
from simulations import Kind
from simulations.deals import OWN
from tests.forecast.clients import FIRST, FUNNEL, company

VARIANCE, MONTHS, DRAWS = 0.6, 30, 400
MADE = company(5, variance=VARIANCE, months=MONTHS)
ORIGIN = FIRST + pd.Timedelta(days=30 * (MONTHS - 4))
EDGES = days(pd.Series([ORIGIN, ORIGIN + pd.Timedelta(days=30), ORIGIN + pd.Timedelta(days=60)]))


@cache
def fitted() -> Fit:
    return fit(as_of(MADE.tables, FUNNEL, ORIGIN), [], until=MADE.tables.recorded_until, draws=DRAWS, seed=1)


def test_the_variance_is_found() -> None:
    """Within 99 %: one data set, and one chance in a hundred to be unlucky."""
    variance = 1 / fitted().posterior["frailty_shape"]
    low, high = np.quantile(variance, (0.005, 0.995))
    assert low < VARIANCE < high
    assert low > 0.1  # and it is not the prior's


def test_clients_are_told_apart() -> None:
    """Their multipliers, against those they were made with: the posterior mean halves the error of a guess of one."""
    names, terms = clients_apart(fitted())
    shape = fitted().posterior["frailty_shape"][:, None]
    mean = ((shape + terms.exits) / (shape + expected(fitted(), terms, np.arange(DRAWS)))).mean(axis=0)
    truth = MADE.frailty[names].to_numpy()
    many = terms.exits >= 5
    assert many.sum() > 20
    assert ((mean - truth)[many] ** 2).mean() < 0.5 * ((1 - truth)[many] ** 2).mean()


def expected_by_draw(made: Fit, terms: ClientTerms) -> Iterator[tuple[Any, Any]]:
    """What `expected_exits` and `added_exits` give in every fourth draw, with frailties drawn from their posterior."""
    exposure, random = made.exposure, np.random.default_rng(1)
    kind = np.searchsorted(kinds_present(exposure), exposure.funnel.kinds)
    rows = compressed(exposure)
    for draw in range(0, DRAWS, 4):
        tables = (
            made.posterior["log_hazard"][draw],
            made.posterior["log_calendar"][draw][kind][:, : len(exposure.month_edges) - 1],
            made.posterior["effect"][draw] @ made.design.matrix,
        )
        shape, mean = made.posterior["frailty_shape"][draw], expected(made, terms, np.array([draw]))[0]
        drawn = random.gamma(shape + terms.exits) / (shape + mean)
        yield expected_exits(rows, *tables), added_exits(terms, drawn, *tables)


def test_advances_expected_by_stage_and_age_are_those_seen() -> None:
    """Given each client's frailty, averaged over the posterior: within three Poisson errors by age, and within one by
    stage. Multiplying by the frailties after a fit without them would raise or lower whole stages.
    """
    made, (_, terms) = fitted(), clients_apart(fitted())
    exposure, funnel = made.exposure, made.exposure.funnel
    found = [plain[1] + added[0] for plain, added in expected_by_draw(made, terms)]
    onwards = np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON))
    by_age, seen = np.mean(found, axis=0)[onwards], exposure.exits_by_age[onwards]
    assert seen.sum() > 300
    assert (np.abs(by_age - seen) < 3 * np.sqrt(by_age) + 1).all()
    many = seen.sum(axis=1) >= 30
    assert (np.abs((by_age - seen).sum(axis=1)) < np.sqrt(seen.sum(axis=1)))[many].all()
    assert (np.std(np.sum(found, axis=2), axis=0)[onwards] > 0.5 * np.sqrt(seen.sum(axis=1)))[many].all()


def test_the_simulator_gets_what_is_known_of_each_client() -> None:
    made = scenario(fitted(), EDGES, (), minor=100, seed=1)
    names, found = made.labels["client"], made.draws.frailty
    assert found is not None
    assert names[-1] == NEWCOMERS
    np.testing.assert_array_equal(found.key, deal_keys(names))
    np.testing.assert_array_equal(found.shape, fitted().posterior["frailty_shape"])
    apart, terms = clients_apart(fitted())
    assert names[:-1] == apart
    np.testing.assert_array_equal(found.exits, [*terms.exits, CERTAIN])
    np.testing.assert_allclose(found.exposure[:, :-1], expected(fitted(), terms, np.arange(DRAWS)))
    clients = fitted().history.deals["client"]
    rows = fitted().history.visits.deal[made.open_visit]
    np.testing.assert_array_equal(np.array(names)[made.open_deals.clients[: len(rows)]], clients.iloc[rows])
    np.testing.assert_array_equal(made.open_deals.clients, made.open_deals.groups["client"])


def test_new_deals_come_from_new_clients_as_often_as_they_did() -> None:
    """A template whose client was new when it was created stands for a deal of a client not seen yet."""
    made = scenario(fitted(), EDGES, (), minor=100, seed=1)
    deals = fitted().history.deals
    first = deals["created"] == deals.groupby("client")["created"].transform("min")
    of_template = pd.Series(first.to_numpy(), index=deal_keys(deals["deal_id"])).loc[made.templates.key].to_numpy()
    np.testing.assert_array_equal(made.templates.clients == OWN, of_template)
    np.testing.assert_array_equal(made.templates.groups["client"] == len(made.labels["client"]) - 1, of_template)
    assert 0.1 < of_template.mean() < 0.4  # about one in five deals of a client


def test_without_frailty_nothing_is_shared() -> None:
    apart = fitted()
    plain = {name: values for name, values in apart.posterior.items() if name != "frailty_shape"}
    alone = Fit(**{**vars(apart), "posterior": plain})
    assert frailty(alone, ["a"], deal_keys(["a"])) is None
    assert scenario(alone, EDGES, (), minor=100, seed=1).draws.frailty is None


def test_rates_are_of_the_clients_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversion of the visits that have ended, which is lower where some of the slow ones still go on; the
    groups of clients are fine enough.
    """
    made = fitted()
    for stage in range(2):
        rates = stage_rates(made, stage)
        again = stage_rates(made, stage, seed=2)
        assert not np.array_equal(rates.conversion, again.conversion)
        assert abs(rates.conversion.mean() - again.conversion.mean()) < 0.3 * rates.conversion.std()
        visits = made.history.visits
        here = visits.state == stage
        # As many will advance of those that go on as a quarter to three quarters of them.
        ended, advanced = (here & (visits.to >= 0)).sum(), (here & (visits.to >= 0) & (visits.to < 3)).sum()
        going = here.sum() - ended
        low, high = (advanced + going / 4) / here.sum(), (advanced + 3 * going / 4) / here.sum()
        error = np.sqrt(0.25 / here.sum())
        assert low - 2 * error < rates.conversion.mean() < high + 2 * error
        with monkeypatch.context() as patch:
            patch.setattr(rates_module, "FRAILTIES", 24)
            finer = stage_rates(made, stage)
        assert abs(rates.conversion.mean() - finer.conversion.mean()) < 0.2 * rates.conversion.std()


def test_clients_that_are_not_kept_apart_bias_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where clients are too many, those with most deals have a frailty and the deals of the others a level of their
    own: by stage, the advances expected of both are those seen, within one Poisson error, although the quick ones of
    the others get further; and the variance is found all the same.
    """
    monkeypatch.setattr(coding_module, "MOST_APART", 80)
    many = company(6, variance=0.8, months=MONTHS, clients=14.0, deals=1.6)
    made = fit(as_of(many.tables, FUNNEL, ORIGIN), [], until=many.tables.recorded_until, draws=DRAWS, seed=1)
    names, terms = clients_apart(made)
    assert len(names) == 80
    counts = made.history.deals["client"].value_counts()
    assert counts[names].min() >= counts.drop(names).max()
    exposure, funnel = made.exposure, made.exposure.funnel
    found = [plain[3] + added[2] for plain, added in expected_by_draw(made, terms)]
    for j in np.flatnonzero(np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON))):
        for level in (YES, NO):
            cells = (exposure.cells[APART] == level).to_numpy()
            seen = exposure.exits_by_cell[j, cells].sum()
            if seen >= 30:
                assert abs(np.mean(found, axis=0)[j, cells].sum() - seen) < np.sqrt(seen), (j, level)
    low, high = np.quantile(1 / made.posterior["frailty_shape"], (0.005, 0.995))
    assert low < 0.8 < high
