"""A fit written and read again: the same draws to the bit, as of its own day and as of a later one."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import arviz
import numpy as np
import pandas as pd
import pytest

from forecast.arviz_adapter import posterior_group, posterior_values
from forecast.coding import APART, NO, YES
from forecast.draws import Scenario, scenario
from forecast.errors import FunnelError
from forecast.fit import Fit
from forecast.history import History, as_of, days
from forecast.saving import ARRAYS, REST, load, save, to_arviz
from tests.forecast.clients import FUNNEL
from tests.forecast.fitted import small_fit
from tests.forecast.histories import history_of, tables
from tests.forecast.test_frailty import MADE, ORIGIN, fitted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fits") / "monthly" / "first"
    save(fitted(), path)
    return path


def asked(fit: Fit) -> Scenario:
    origin = fit.history.origin
    edges = days(pd.Series([origin, origin + pd.Timedelta(days=30), origin + pd.Timedelta(days=45)]))
    return scenario(fit, edges, (), minor=100, seed=1)


def later(days_later: int) -> History:
    return as_of(MADE.tables, FUNNEL, ORIGIN + pd.Timedelta(days=days_later))


def assert_same(one: Scenario, other: Scenario) -> None:
    """Every array of the draws and of the deals, to the bit."""
    for a, b in ((one.draws, other.draws), (one.open_deals, other.open_deals), (one.templates, other.templates)):
        for field in fields(a):
            left, right = getattr(a, field.name), getattr(b, field.name)
            if isinstance(left, np.ndarray):
                assert left.tobytes() == right.tobytes(), field.name
    assert one.draws.frailty is not None
    assert other.draws.frailty is not None
    for name in ("shape", "key", "exits", "exposure"):
        assert getattr(one.draws.frailty, name).tobytes() == getattr(other.draws.frailty, name).tobytes()
    assert one.labels == other.labels
    for name, groups in one.open_deals.groups.items():
        np.testing.assert_array_equal(groups, other.open_deals.groups[name])


def test_same_draws_as_of_the_same_day(folder: Path) -> None:
    again = load(folder, fitted().history)
    assert_same(asked(fitted()), asked(again))
    assert_same(asked(fitted().with_history(fitted().history)), asked(again))


def test_same_draws_as_of_a_later_day(folder: Path) -> None:
    history = later(45)
    assert_same(asked(fitted().with_history(history)), asked(load(folder, history)))


def test_a_loaded_fit_is_the_fit(folder: Path) -> None:
    made, again = fitted(), load(folder, fitted().history)
    for name, values in made.posterior.items():
        assert values.tobytes() == again.posterior[name].tobytes(), name
    assert again.posterior.keys() == made.posterior.keys()
    assert (again.health, again.coding, again.fitted, again.chains) == (
        made.health, made.coding, made.fitted, made.chains,
    )  # fmt: skip
    assert list(again.months) == list(made.months)
    pd.testing.assert_frame_equal(again.exposure.cells, made.exposure.cells, check_index_type=False)
    np.testing.assert_array_equal(again.cell_of_deal, made.cell_of_deal)
    np.testing.assert_array_equal(again.exposure.days_at_risk, made.exposure.days_at_risk)


def test_saving_again_replaces_and_gives_the_same(folder: Path) -> None:
    before = (folder / REST).read_text(encoding="utf-8")
    save(load(folder, fitted().history), folder)
    assert (folder / REST).read_text(encoding="utf-8") == before
    assert sorted(path.name for path in folder.iterdir()) == [REST, ARRAYS]


def test_later_days_tell_more_of_the_clients(folder: Path) -> None:
    """Deals that moved since count in their client's frailty; clients that are new since have one of their own."""
    now = asked(load(folder, later(45)))
    then = asked(fitted())
    assert now.draws.frailty is not None
    assert then.draws.frailty is not None
    new = set(now.labels["client"]) - set(then.labels["client"])
    assert new
    place = [now.labels["client"].index(name) for name in then.labels["client"][:-1]]
    assert (now.draws.frailty.exits[place] >= then.draws.frailty.exits[:-1]).all()
    assert (now.draws.frailty.exposure[:, place] >= then.draws.frailty.exposure[:, :-1] - 1e-9).all()
    assert now.draws.frailty.exits[place].sum() > then.draws.frailty.exits[:-1].sum()
    np.testing.assert_array_equal(now.draws.hazard, then.draws.hazard)


def test_without_clients_or_size_too(tmp_path: Path) -> None:
    """Amounts are known at the close only: other variables, no bands."""
    fit = small_fit().fit
    fit.save(tmp_path)
    again = load(tmp_path, fit.history)
    assert again.posterior.keys() == fit.posterior.keys()
    for name in ("hazard", "effect", "calendar", "amount_log_mean", "amount_log_sd", "template_cdf"):
        assert getattr(asked(fit).draws, name).tobytes() == getattr(asked(again).draws, name).tobytes()


def test_arviz_reads_it_with_names(folder: Path) -> None:
    for found in (arviz.from_netcdf(str(folder / ARRAYS)), to_arviz(fitted())):
        posterior = found["posterior"]
        assert posterior["log_hazard"].dims == ("chain", "draw", "exit", "age")
        assert list(posterior["exit"].values[:2]) == ["Talk > Offer", "Talk > Lost"]
        assert list(posterior["kind"].values) == ["advance", "won", "lost"]
        assert list(posterior["age"].values) == list(fitted().exposure.funnel.age_edges)
        assert pd.Timestamp(posterior["month"].values[0]) == fitted().months[0]
        assert posterior["frailty_shape"].dims == ("chain", "draw")
        assert "(size of deal)" in posterior["coefficient"].values
        data = found["constant_data"]
        assert data["days_at_risk"].dims == ("state", "age", "past_month", "cell")
        assert list(data["state"].values) == ["Talk", "Offer", "Won", "Lost"]


def test_chains_are_kept_where_none_was_thinned() -> None:
    """Draws take turns: number 5 of four chains is the second of the second chain."""
    values = {"x": np.arange(24.0).reshape(12, 2)}
    group = posterior_group(values, 4, {"x": ("exit",)}, {"exit": ["a", "b"]})
    assert group["x"].shape == (4, 3, 2)
    np.testing.assert_array_equal(group["x"].sel(chain=1, draw=1), [10, 11])
    np.testing.assert_array_equal(posterior_values(group)["x"], values["x"])


# --- what is refused ---


def test_an_earlier_day_is_refused(folder: Path) -> None:
    with pytest.raises(FunnelError, match=r"has seen the days before 2023-02-20.*would know what had not happened"):
        load(folder, later(-1))


def test_other_stages_are_refused(folder: Path) -> None:
    with pytest.raises(FunnelError, match="the fit is of the stages Talk, Offer, Won, Lost, not of A, B, C"):
        load(folder, history_of(tables([("1", "A", "2030-01-01")])))


def test_months_beyond_the_fit_are_refused(folder: Path) -> None:
    fit = load(folder, later(100))
    origin = fit.history.origin
    edges = days(pd.Series([origin, origin + pd.Timedelta(days=300), origin + pd.Timedelta(days=310)]))
    with pytest.raises(FunnelError, match="the fit reaches to"):
        scenario(fit, edges, (), minor=100, seed=1)


def test_what_is_no_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match="no fit can be read here"):
        load(tmp_path / "nowhere", fitted().history)
    (tmp_path / REST).write_text("[]")
    with pytest.raises(FunnelError, match="not the description of a fit"):
        load(tmp_path, fitted().history)
    (tmp_path / REST).write_text('{"format": 99}')
    with pytest.raises(FunnelError, match="of format 99, not 1"):
        load(tmp_path, fitted().history)
    (tmp_path / REST).write_bytes((folder / REST).read_bytes())
    with pytest.raises(FunnelError, match="arrays of the fit cannot be read"):
        load(tmp_path, fitted().history)
    (tmp_path / ARRAYS).write_bytes((folder / ARRAYS).read_bytes()[:-100])
    with pytest.raises(FunnelError, match=f"not the arrays that {REST} was written with"):
        load(tmp_path, fitted().history)


def test_nothing_of_the_data_is_written_but_levels(folder: Path) -> None:
    """Neither deals nor amounts; of clients the names only where some are kept apart from others."""
    text = (folder / REST).read_text(encoding="utf-8")
    assert "D0" not in text
    assert "C0" not in text
    assert json.loads(text)["coding"]["frailty"] is True


def test_clients_of_a_later_day_who_are_not_kept_apart(folder: Path) -> None:
    """Where a fit kept some clients apart, one that is new since counts among the others."""
    made = load(folder, fitted().history)
    some = tuple(made.coding.clients_apart(made.history)[0][:10])
    cells = made.exposure.cells.assign(**{APART: YES})
    coding = replace(made.coding, apart=some)
    other = replace(made, coding=coding, exposure=replace(made.exposure, cells=cells))
    levels = coding.levels(later(45))
    assert set(levels[APART]) == {YES, NO}
    assert coding.clients_apart(later(45))[0] == sorted(some)
    assert other.with_history(later(45)).design.matrix.shape[1] > len(cells)
