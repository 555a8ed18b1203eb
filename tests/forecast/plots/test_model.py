from __future__ import annotations

import pytest

from forecast import explained
from forecast.fit import Fit
from forecast.plots import model as figures
from simulations import Kind
from tests.forecast.fitted import small_fit


@pytest.fixture(scope="module")
def fit() -> Fit:
    return small_fit().fit


def test_hazards_name_the_age_at_which_the_exit_is_most_likely(fit: Fit) -> None:
    figure = figures.hazards(fit, 0)
    table = explained.by_age(fit, 0)
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines" and trace.name}
    to = fit.history.states[1]
    own = table[table["exit"] == to]
    assert max(lines[f"to {to}"].y) == pytest.approx(100 * own["middle"].max())
    peak = own.iloc[int(own["middle"].argmax())]
    assert f"most likely at {peak['from_day']:g} to" in figure.layout.title.text.replace("<br>", " ")


def test_months_on_record_are_told_from_those_to_come(fit: Fit) -> None:
    past = len(fit.exposure.month_edges) - 1
    figure = figures.months(fit, Kind.WON, ahead=3)
    colors = [trace.line.color for trace in figure.data if trace.mode == "lines"]
    assert len(colors) == past + 3
    assert len(set(colors[:past])) == 1
    assert colors[past] != colors[0]
    assert "times the usual rate of winning" in figure.layout.title.text.replace("<br>", " ")


def test_levels_are_sorted_and_all_within_the_axis(fit: Fit) -> None:
    figure = figures.levels(fit, "segment", Kind.WON)
    table = explained.by_level(fit, "segment", Kind.WON).sort_values("middle")
    assert list(figure.data[-1].y) == [str(level) for level in table["level"]]
    low, high = figure.layout.xaxis.range
    assert low < table[["low", "seen"]].min().min()
    assert table[["high", "seen"]].max().max() < high


def test_arrivals_show_counts_of_months_on_record(fit: Fit) -> None:
    figure = figures.arrivals(fit, ahead=2)
    seen = [y for y in figure.data[-1].y if y == y]
    assert len(seen) == explained.arrivals(fit)["seen"].notna().sum()
    assert figure.layout.title.text.startswith("<b>New deals:")
