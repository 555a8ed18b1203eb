"""A trend on the terminal: one screen, in words."""

from __future__ import annotations

import copy
from typing import Any

from rich.console import Console

from forecast.screen import WIDTH
from forecast.terminal_trend import show_bridge, show_trend

PARTS = ("won", "lost", "moved", "aged", "resized", "created", "learned")
ROW = {
    "asked": "2017-12-31T10:00:00+00:00", "target": 3_280_480.5, "p_hit_se": 0.011, "p10": 2.79e6, "p90": 3.99e6,
    "mean": 3.4e6, "won_to_date": 0.0, "gap": 3_280_480.5, "rtv": 5.74e6, "funnel_factor": 1.75, "healthy": True,
    "r_hat": 1.0, "ess": 900.0, "draws": 2000, "seed": 1, "version": "0.1.0",
}  # fmt: skip
BOARD: dict[str, Any] = {
    "funnel": "Maven [bold]", "currency": "USD",
    "periods": [
        {
            "period": "2017Q4", "start": "2017-10-01", "end": "2017-12-31", "target": 3_280_480.5,
            "origins": [
                {**ROW, "origin": "2017-09-01", "p_hit": 0.66, "p50": 3.49e6, "p50_change": None, "p_hit_change": None},
                {**ROW, "origin": "2017-10-01", "p_hit": 0.55, "p50": 3.35e6, "p50_change": -1.4e5,
                 "p_hit_change": -0.11, "gap": -5.0, "funnel_factor": None},
            ],
            "months_since": "2017-10-01", "actual": {"revenue": 2.8e6, "hit": False},
        }
    ],
    "refused": [{"origin": "2017-03-02", "why": "only 3 changes of stage are on record"}],
}  # fmt: skip


def screen(board: dict[str, Any]) -> str:
    shown = Console(width=WIDTH, highlight=False)
    with shown.capture() as capture:
        show_trend(board, shown)
    return capture.get()


def test_a_table_for_each_period() -> None:
    shown = screen(BOARD)
    assert all(len(line) <= WIDTH for line in shown.splitlines())
    words = " ".join(shown.split())
    for told in (
        "How the forecasts of Maven [bold] moved",
        "2017Q4 (1 October to 31 December 2017), target 3,280,480.50 USD",
        "As of chance P10 P50 P90 P50 moved won GAP RTV RTV/GAP asked on",
        "2017-09-01 66 % (± 1) 2.79M 3.49M 3.99M 0 3.28M 5.74M 1.75 2017-12-31",
        "2017-10-01 55 % (± 1) 2.79M 3.35M 3.99M −140k 0 none 5.74M – 2017-12-31",
        "As of 1 October 2017, a year is on record, and the model tells months apart in place of weeks:",
        "What really happened: 2.80M USD, target missed.",
        "As of 2 March 2017 there is no answer: only 3 changes of stage are on record.",
    ):
        assert told in words


def test_targets_are_told_where_they_differ() -> None:
    board = copy.deepcopy(BOARD)
    board["periods"][0]["origins"][0]["target"] = 3e6
    words = " ".join(screen(board).split())
    assert "As of target chance" in words
    assert "2017-09-01 3.00M 66 %" in words
    assert "target 3,280,480.50" not in words


def bridge() -> dict[str, Any]:
    parts = [
        {"part": name, "deals": 10 * number, "p50": -1e3 * number, "p_hit": 0.001 * number - 0.001, "mean": 0.0}
        for number, name in enumerate(PARTS)
    ]
    parts[-1]["deals"] = None
    level = {"p50": 3.49e6, "p_hit": 0.66, "mean": 3.63e6}
    period = {
        **BOARD["periods"][0], "before": level, "after": level, "move": level, "parts": parts, "learned_se": 2.1e4,
    }  # fmt: skip
    return {
        "funnel": "Maven", "currency": "USD", "from": "2017-09-01", "to": "2017-10-01", "draws": 2000,
        "months_since": None, "periods": [period],
    }  # fmt: skip


def test_a_bridge_from_level_to_level() -> None:
    shown = Console(width=WIDTH, highlight=False)
    with shown.capture() as capture:
        show_bridge(bridge(), shown)
    lines = capture.get().splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    words = " ".join(capture.get().split())
    for told in (
        "What moved the forecast of Maven From 1 September 2017 to 1 October 2017, 2,000 draws of either day.",
        "2017Q4 (1 October to 31 December 2017), target 3,280,480.50 USD deals P50 mean chance",
        "1 September 2017 3.49M 3.63M 66 % Won in between 0 0 0 −0.1",
        "Lost in between 10 −1,000 0 0 Moved to another stage 20 −2,000 0 +0.1",
        "amounts −6,000 ± 21.0k 0 +0.5 1 October 2017 3.49M 3.63M 66 %",
    ):
        assert told in words
