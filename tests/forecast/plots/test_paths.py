"""The map of the ways through a funnel."""

from __future__ import annotations

import pytest

from forecast import plots
from forecast.drawing import HAPPENED, REACHED
from forecast.plots.paths import bends
from tests.forecast.answers import HandMade, hand_made, stage

MOVES = [
    ("A", "B", "advance", 80), ("A", "C", "advance", 5), ("A", "Lost", "lost", 40), ("B", "C", "advance", 50),
    ("B", "A", "back", 10), ("B", "Lost", "lost", 20), ("C", "Won", "won", 45), ("C", "Lost", "lost", 5),
    ("Lost", "A", "reopen", 3), ("C", "A", "back", 0),
]  # fmt: skip


@pytest.fixture
def answer() -> HandMade:
    exits = [dict(zip(("from", "to", "kind", "count"), move, strict=True)) for move in MOVES]
    return hand_made().told(stages=[stage(name, 1, 0.5, 5.0) for name in "ABC"], exits=exits)


def test_every_move_is_a_line_of_its_width(answer: HandMade) -> None:
    lines = [trace for trace in plots.path_map(answer).data if trace.type == "scatter" and trace.mode == "lines"]
    ends = {(line.y[0], line.y[-1]): line for line in lines}
    assert set(ends) == {(0, 1), (0, 2), (1, 2), (1, 0), (2, 3)}  # 3 is Won; what never happened is not drawn
    assert ends[0, 1].line.width == 16
    assert ends[2, 3].line.width == pytest.approx(16 * 45 / 80)
    assert min(line.line.width for line in lines) == 1
    assert {key for key, line in ends.items() if line.line.color == HAPPENED} == {(1, 0)}
    assert ends[1, 2].line.color == REACHED
    assert set(ends[1, 2].x) == {0}
    assert max(ends[0, 2].x) > 0 > min(ends[1, 0].x)
    assert ends[1, 0].hovertext == "B to A: 10"


def test_losses_are_bars_with_their_shares(answer: HandMade) -> None:
    figure = plots.path_map(answer)
    bars = figure.data[-1]
    assert list(bars.x) == [40, 20, 5]
    assert list(bars.text) == ["40 (32 %)", "20 (25 %)", "5 (10 %)"]
    title = figure.layout.title.text.split("</b>")[0].replace("<br>", " ")
    # 40 of 65 lost, 10 back and 5 skipping of 190 moves
    assert title == "<b>62 % of the lost deals are lost in A; 5 % of the moves go back, 3 % skip a stage"


def test_a_straight_funnel_needs_no_map(answer: HandMade) -> None:
    assert bends(answer.summary)
    straight = [move for move in answer.summary["exits"] if (move["from"], move["to"]) not in {("A", "C"), ("B", "A")}]
    assert not bends({**answer.summary, "exits": straight})
    nothing = answer.told(exits=[])
    assert "Too few deals" in plots.path_map(nothing).layout.title.text
