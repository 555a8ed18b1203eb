"""The predictive check: quiet where the model holds, and it names what it does not reproduce."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from forecast import fit as module
from forecast.exposure import Exposure, cell_table, expose
from forecast.fit import Fit, calendar_design
from forecast.frailty import clients_apart
from forecast.history import Floats
from forecast.models import design
from forecast.models.calendar import CalendarTerms, calendar_terms
from forecast.models.clients import NO_CLIENTS
from forecast.models.contraction import compressed, expected_exits
from forecast.models.exits import calendar_sizes, kinds_present
from forecast.models.priors import Priors, log_sizes
from forecast.reproduced import Reproduced, reproduced
from simulations import Kind
from tests.forecast.fitted import SEED, sample, small_fit
from tests.forecast.histories import history_of, random_tables
from tests.forecast.test_frailty import fitted as fitted_with_clients


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return small_fit().fit


def calendar_of(exposure: Exposure, made: design.Design | None = None) -> CalendarTerms:
    """made: default, without a month of the year."""
    months = len(exposure.month_edges) - 1
    made = made or design.calendar(np.arange(months) % 3, months - 1)
    counts = np.zeros((len(kinds_present(exposure)), months))
    return calendar_terms(counts, made, log_sizes(calendar_sizes(Priors(), made)))


def checked(fitted: Fit, **changed: Floats) -> Reproduced:
    """The check of a fit with another posterior."""
    months = len(fitted.exposure.month_edges) - 1
    posterior = {**fitted.posterior, "log_calendar": fitted.posterior["log_calendar"][:, :, :months], **changed}
    return reproduced(posterior, fitted.exposure, calendar_of(fitted.exposure), NO_CLIENTS, np.random.default_rng(SEED))


def test_quiet_where_the_model_holds(fitted: Fit) -> None:
    """Of numbers that are as random as the model says, one in a hundred is outside; the bound is the gate's."""
    found = checked(fitted)
    funnel, months = fitted.exposure.funnel, len(fitted.exposure.month_edges) - 1
    assert 0.5 * funnel.n_exits * (months + funnel.n_bins) < found.checked <= funnel.n_exits * (months + funnel.n_bins)
    assert found.outside <= module.MOST_SURPRISES * found.checked
    assert (found.worst == "") == (found.outside == 0)


def test_a_month_far_beyond_shocks_is_named() -> None:
    """A clean-up: the losses of a stage over nine months are all recorded in the last of these. The model is fitted to
    them, and learns of larger shocks; but not of one like this.
    """
    exit_index, month = 1, 15
    original = module.expose

    def cleaned_up(*arguments: object, weekly: bool) -> Exposure:
        exposure = original(*arguments, weekly=weekly)  # type: ignore[arg-type]
        assert exposure.funnel.kinds[exit_index] == Kind.LOST
        by_month = exposure.exits_by_month.copy()
        by_month[exit_index, month] = by_month[exit_index, month - 8 : month + 1].sum()
        by_month[exit_index, month - 8 : month] = 0
        return replace(exposure, exits_by_month=by_month)

    with patch.object(module, "expose", cleaned_up):
        odd = sample(draws=200)
    stage = odd.exposure.funnel.stages[0]
    assert odd.health.outside > 1
    assert odd.health.worst.startswith(f"{stage}, losses in 2024-04: ")
    assert odd.health.worst in odd.health.told()


def test_a_wrong_profile_of_age_is_refused(fitted: Fit) -> None:
    """Hazards that do not depend on age, as many exits in all being expected as before."""
    exposure, posterior = fitted.exposure, fitted.posterior
    rows, months = compressed(exposure), len(exposure.month_edges) - 1
    kind = np.searchsorted(kinds_present(exposure), exposure.funnel.kinds)
    flat = np.zeros_like(posterior["log_hazard"])
    for draw in range(fitted.n_draws):
        calendar = posterior["log_calendar"][draw][kind][:, :months]
        expected = expected_exits(rows, flat[draw], calendar, fitted.cell_effects()[draw])[1].sum(axis=1)
        flat[draw] += np.log(exposure.exits_by_age.sum(axis=1) / expected)[:, None]
    found = checked(fitted, log_hazard=flat)
    health = replace(fitted.health, checked=found.checked, outside=found.outside, worst=found.worst)
    assert " days: " in found.worst
    assert [told for told in health.complaints() if found.worst in told]


def test_clients_are_taken_as_they_were() -> None:
    """A third of all advances and wins are expected of an average client, and frailties about which the prior says
    next to nothing: each client's make up for it, so that what is expected of it is what was seen.
    """
    made = fitted_with_clients()
    exposure, months, random = made.exposure, len(made.exposure.month_edges) - 1, np.random.default_rng
    onwards = np.isin(exposure.funnel.kinds, (Kind.ADVANCE, Kind.WON))
    posterior = {
        **made.posterior,
        "log_calendar": made.posterior["log_calendar"][:, :, :months],
        "log_hazard": made.posterior["log_hazard"] - np.log(3) * onwards[:, None],
        "frailty_shape": np.full(made.n_draws, 0.01),
    }
    _, terms = clients_apart(made)
    calendar = calendar_of(exposure, calendar_design(made, 1))
    quiet = reproduced(posterior, exposure, calendar, terms, random(SEED))
    assert quiet.outside <= module.MOST_SURPRISES * quiet.checked
    loud = reproduced(posterior, exposure, calendar, NO_CLIENTS, random(SEED))
    assert loud.outside > module.MOST_SURPRISES * loud.checked
    assert loud.worst.startswith(("Talk, advances ", "Offer, wins "))


def test_every_exit_is_compared_with_its_own() -> None:
    """Lost deals that are opened again are no exits of the last stage: each stage and kind stands for itself."""
    history = history_of(random_tables(2, timed=False, deals=25))
    exposure = expose(history, *cell_table(history, []))
    funnel, months = exposure.funnel, len(exposure.month_edges) - 1
    reopened = funnel.first_exit[funnel.lost]
    at_risk = exposure.days_at_risk[[here for here, _ in funnel.exits]].sum(axis=(1, 2, 3))
    certain = exposure.exits_by_month.sum(axis=1) / np.maximum(at_risk, 1)
    kinds = len(kinds_present(exposure))
    posterior = {
        "log_hazard": np.tile(np.log(certain + 1e-9)[:, None], (200, 1, funnel.n_bins)),
        "log_calendar": np.zeros((200, kinds, months)),
        "calendar_size": np.full((200, kinds, 3), 0.1),
        "effect": np.zeros((200, funnel.n_exits, 0)),
    }
    usual = reproduced(posterior, exposure, calendar_of(exposure), NO_CLIENTS, np.random.default_rng(1))
    by_month = exposure.exits_by_month.copy()
    month = int(by_month[reopened].argmax())
    by_month[reopened, month] *= 1_000
    many = replace(exposure, exits_by_month=by_month)
    found = reproduced(posterior, many, calendar_of(exposure), NO_CLIENTS, np.random.default_rng(1))
    assert found.worst.startswith(f"{funnel.stages[funnel.lost]}, reopened in ")
    assert (found.checked, found.outside) == (usual.checked, usual.outside + 1)
