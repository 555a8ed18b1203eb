"""Days at risk and exits against a plain enumeration, one stay and one piece of it at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast import exposure as module
from forecast.exposure import (
    Exposure,
    age_edges,
    bin_of,
    calendar_edges,
    cell_table,
    exits_of,
    expose,
    month_starts,
)
from forecast.history import History, days
from forecast.sources.tables import Tables
from tests.forecast.histories import (
    FIRST,
    history_of,
    moment,
    plain_age_bin,
    plain_pieces,
    plain_stays,
    random_tables,
    tables,
)

CASES = [(seed, timed, late) for seed in range(12) for timed in (False, True) for late in (None, "2020-03-01")]


def exposed(made: Tables) -> tuple[History, Exposure]:
    history = history_of(made)
    return history, expose(history, *cell_table(history, ["owner"]))


@pytest.mark.parametrize(("seed", "timed", "late"), CASES)
def test_equals_a_plain_enumeration(seed: int, timed: bool, late: str | None) -> None:
    made = random_tables(seed, timed=timed, recorded_from=late)
    history, exposure = exposed(made)
    funnel, since = exposure.funnel, None if late is None else moment(pd.Timestamp(late), False)
    months = list(pd.to_datetime(exposure.month_edges[:-1], unit="D").to_period("M"))

    def place(month: pd.Period) -> int:
        return bisect_right(months, month) - 1  # a month just begun belongs to the one before it

    cells = list(exposure.cells["owner"])
    cell_of = {
        deal: cells.index(owner if isinstance(owner, str) else "")
        for deal, owner in zip(made.deals["deal_id"], made.deals["owner"], strict=True)
    }
    stays = [s for s in plain_stays(made, history.origin) if any(s.state == here for here, _ in funnel.exits)]

    at_risk: dict[tuple[int, ...], float] = defaultdict(float)
    for stay, age, month, length in plain_pieces(stays, list(funnel.age_edges), since):
        at_risk[stay.state, age, place(month), cell_of[stay.deal]] += float(length)
    expected = np.zeros_like(exposure.days_at_risk)
    for index, total in at_risk.items():
        expected[index] = total
    # A piece ends within 1e-9 days of where it should (see bin_of); there are less than a hundred in any entry.
    np.testing.assert_allclose(exposure.days_at_risk, expected, rtol=0, atol=1e-7)

    by_age, by_month, by_cell = (
        np.zeros_like(getattr(exposure, f"exits_by_{name}")) for name in ("age", "month", "cell")
    )
    for stay in stays:
        if stay.to >= 0 and (since is None or stay.left > since):
            exit_index = funnel.exits.index((stay.state, stay.to))
            by_age[exit_index, plain_age_bin(stay.left - stay.entered, list(funnel.age_edges))] += 1
            by_month[exit_index, place(stay.month)] += 1
            by_cell[exit_index, cell_of[stay.deal]] += 1
    np.testing.assert_array_equal(exposure.exits_by_age, by_age)
    np.testing.assert_array_equal(exposure.exits_by_month, by_month)
    np.testing.assert_array_equal(exposure.exits_by_cell, by_cell)
    assert by_age.sum() > 0


@pytest.mark.parametrize(("seed", "timed", "late"), CASES[::3])
def test_totals_and_exits_have_exposure(seed: int, timed: bool, late: str | None) -> None:
    history, exposure = exposed(random_tables(seed, timed=timed, recorded_from=late))
    visits, funnel = history.visits, exposure.funnel
    origins = np.array([here for here, _ in funnel.exits])
    stays = np.clip(visits.left - np.maximum(visits.entered, history.recorded_from), 0, None)
    for state in range(funnel.n_states):
        total = stays[visits.state == state].sum() if state in origins else 0.0
        assert exposure.days_at_risk[state].sum() == pytest.approx(total, rel=1e-9)
    at_risk = exposure.days_at_risk[origins]
    assert (at_risk.sum(axis=(2, 3))[exposure.exits_by_age > 0] > 0).all()
    assert (at_risk.sum(axis=(1, 3))[exposure.exits_by_month > 0] > 0).all()
    assert (at_risk.sum(axis=(1, 2))[exposure.exits_by_cell > 0] > 0).all()
    for name in ("month", "cell"):
        np.testing.assert_array_equal(
            getattr(exposure, f"exits_by_{name}").sum(axis=1), exposure.exits_by_age.sum(axis=1)
        )


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = random_tables(7, timed=True, deals=30)
    whole = exposed(made)[1]
    monkeypatch.setattr(module, "CHUNK", 4)
    parts = exposed(made)[1]
    np.testing.assert_allclose(parts.days_at_risk, whole.days_at_risk, rtol=1e-12, atol=0)
    for name in ("exits_by_age", "exits_by_month", "exits_by_cell"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_whole_days_fall_on_the_lower_side_of_an_edge() -> None:
    """A stay of k days is exposed up to the age k and ends in the bin that ends there."""
    for length in (1, 2, 3, 5, 7, 10, 14):
        history = history_of(
            tables([("1", "A", FIRST), ("1", "B", FIRST + pd.Timedelta(days=length))], until="2020-06-01")
        )
        exposure = expose(history, *cell_table(history, []))
        edges = exposure.funnel.age_edges
        ended = int(np.flatnonzero(exposure.exits_by_age.sum(axis=0))[0])
        assert edges[ended + 1] == length
        days_of_first = exposure.days_at_risk[0].sum(axis=(1, 2))
        np.testing.assert_allclose(days_of_first[: ended + 1], np.diff(edges)[: ended + 1], atol=1e-9)
        assert not days_of_first[ended + 1 :].any()


def test_ages_on_an_edge_are_below_it_however_they_were_rounded() -> None:
    edges = np.array([0.0, 1.0, 3.0])
    ages = np.array([1e-5, 1 / 3, 1.0, (18_000.1 + 1) - 18_000.1, (18_000.7 + 1) - 18_000.7, 1.001, 3.0, 900.0])
    np.testing.assert_array_equal(bin_of(ages, edges), [0, 0, 0, 0, 0, 1, 1, 2])


def test_age_edges_reach_as_far_as_the_oldest_visit() -> None:
    rows = [("1", "A", "2020-01-01"), ("1", "Lost", "2020-02-15"), ("2", "A", "2020-02-15")]
    edges = age_edges(history_of(tables(rows, until="2022-01-01")))
    assert (edges[0], edges[1], edges[-1]) == (0, 0.6, 600)  # open for 685 days
    assert age_edges(history_of(tables(rows, until="2020-02-20")))[-1] == 42  # 45 days, the next edge is 56
    young = age_edges(history_of(tables([("1", "A", "2020-01-01 10:00")], timed=True)))
    np.testing.assert_array_equal(young, [0, 0.002, 0.02, 0.1, 0.3, 0.6, 1, 2])


def test_exits_are_those_seen_and_those_of_any_funnel() -> None:
    rows = [
        ("1", "A", "2020-01-01"),
        ("1", "C", "2020-01-05"),
        ("1", "B", "2020-01-06"),
        ("2", "A", "2020-01-01"),
    ]
    usual = {(0, 1), (0, 4), (1, 2), (1, 4), (2, 3), (2, 4)}
    assert set(exits_of(history_of(tables(rows)))) == usual | {(0, 2), (2, 1)}
    back = [("1", "Lost", "2020-01-01"), ("1", "B", "2020-01-05"), ("2", "A", "2020-01-06")]
    history = history_of(tables(back))
    assert set(exits_of(history)) == usual | {(4, 1)}
    # Only where lost deals are ever opened again are they at risk of it.
    assert expose(history, *cell_table(history, [])).days_at_risk[4].sum() == 4
    lost = history_of(tables([("1", "A", "2020-01-01"), ("1", "Lost", "2020-01-05"), ("2", "A", "2020-01-09")]))
    assert expose(lost, *cell_table(lost, [])).days_at_risk[4].sum() == 0


def test_cells_are_the_combinations_seen() -> None:
    rows = [(str(i), "A", "2020-01-01") for i in range(4)]
    made = tables(
        rows,
        owner=pd.Series(["b", "a", None, "b"], dtype="str"),
        region=pd.Series(["n", "n", "s", "n"], dtype="str"),
    )
    cells, of_deal = cell_table(history_of(made), ["owner", "region"])
    assert cells.to_dict("list") == {"owner": ["", "a", "b"], "region": ["s", "n", "n"]}
    np.testing.assert_array_equal(of_deal, [2, 1, 0, 2])
    cells, of_deal = cell_table(history_of(made), [])
    assert cells.shape == (1, 0)
    assert not of_deal.any()


def test_months_hold_every_day_at_risk() -> None:
    history, exposure = exposed(random_tables(3, timed=True))
    assert exposure.month_edges[0] <= history.visits.entered.min()
    assert exposure.month_edges[-2] < history.day == exposure.month_edges[-1]
    months = month_starts(pd.Timestamp("2020-01-31"), pd.Timestamp("2020-03-01"))
    np.testing.assert_array_equal(days(pd.Series(months)) - days(pd.Series([FIRST])), [0, 31, 60, 91])


@pytest.mark.parametrize(
    ("origin", "last", "length"),
    [
        ("2020-03-01", "2020-02-01", 29),
        ("2020-03-02", "2020-02-01", 30),  # one day of March is not yet a month
        ("2020-03-07", "2020-02-01", 35),
        ("2020-03-08", "2020-03-01", 7),
        ("2020-03-31", "2020-03-01", 30),
        ("2020-01-04", "2020-01-01", 3),  # nor before it is any other
    ],
)
def test_the_last_month_ends_at_the_origin(origin: str, last: str, length: int) -> None:
    history = history_of(tables([("1", "A", "2020-01-02"), ("2", "A", "2020-01-03")], until="2020-04-01"), origin)
    edges = calendar_edges(float(history.visits.entered.min()), history)
    assert edges[-1] == history.day
    assert pd.Timestamp(edges[-2], unit="D") == pd.Timestamp(last)
    assert edges[-1] - edges[-2] == length


@pytest.mark.parametrize(("until", "short"), [("2020-03-09", True), ("2021-01-03", False)])
def test_a_short_record_is_told_in_weeks_up_to_the_origin(until: str, short: bool) -> None:
    history = history_of(tables([("1", "A", "2020-01-02"), ("2", "A", "2020-01-31"), ("2", "Won", "2020-02-20")],
                                until=until))  # fmt: skip
    assert history.short_record is short
    exposure = expose(history, *cell_table(history, []), weekly=True)
    edges = exposure.month_edges
    assert (np.diff(edges) == 7).all()
    assert edges[-1] == history.day
    assert edges[0] <= history.visits.entered.min() < edges[1]
    by_month = expose(history, *cell_table(history, []))
    np.testing.assert_allclose(exposure.days_at_risk.sum(axis=2), by_month.days_at_risk.sum(axis=2))
    assert exposure.exits_by_month.sum() == 1


def test_nothing_at_risk_is_an_empty_table() -> None:
    history = history_of(tables([("1", "Won", "2020-01-05"), ("2", "Won", "2020-01-07")]))
    exposure = expose(history, *cell_table(history, []))
    assert exposure.days_at_risk.sum() == exposure.exits_by_age.sum() == 0


def test_exits_without_days_at_risk_are_refused() -> None:
    exposure = exposed(random_tables(1, timed=False))[1]
    with pytest.raises(ValueError, match="exits_by_age: an exit without days at risk"):
        replace(exposure, days_at_risk=np.zeros_like(exposure.days_at_risk))
