"""The report in a real browser: it draws its figures, asks for nothing, and runs nothing of the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast.report import WIDTH, page
from tests.browser.browsers import Seen, lacking, opened
from tests.forecast.answers import HandMade, hand_made, stage

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def tab() -> Iterator[tuple[Any, Seen]]:
    with opened() as both:
        yield both


def hostile() -> HandMade:
    """An answer with every part of the page, in which all words of the data are markup."""
    exits = [
        {"from": HOSTILE, "to": "B", "kind": "advance", "count": 30},
        {"from": HOSTILE, "to": "Lost", "kind": "lost", "count": 9},
        {"from": "B", "to": HOSTILE, "kind": "back", "count": 4},
    ]
    stages = [stage(HOSTILE, 3, 0.7, 10.0), stage("B", 4, 0.8, 3.0)]
    answer = hand_made().told(funnel=HOSTILE, stages=stages, exits=exits)
    deal = {"deal_id": HOSTILE, "client": HOSTILE, "stage": HOSTILE, "value": 1_234_567.0, "p_win": 0.5}
    moved = []
    for period in answer.summary["periods"]:
        for row in period["clients"]["table"]:
            row["client"] = HOSTILE
        period["clients"]["critical"] = HOSTILE
        period["decisive_deals"] = [{**deal, "p_hit_if_lost": 0.2, "p_hit_if_won": 0.4}]
        keys = ("target", "p_hit", "p_hit_se", "p10", "p50", "p90")
        days = [f"2017-{month:02}-01" for month in range(1, 11)]
        origins = [{"origin": day, **{key: period[key] for key in keys}} for day in days]
        moved.append({**{key: period[key] for key in ("period", "start", "end", "target")}, "origins": origins})
    answer.summary["overdue"]["list"][0].update(deal)
    answer.summary["quality"]["reasons"][0]["reason"] = HOSTILE
    answer.summary["fit"]["worst"] = HOSTILE
    return answer.told(trend=moved)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_report(language: str, tmp_path: Path, tab: tuple[Any, Seen]) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(hostile(), language), encoding="utf-8")
    shown, seen = tab
    for one in (seen.requests, seen.errors, seen.dialogs):
        one.clear()
    shown.goto(file.as_uri())
    shown.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 12")
    shown.wait_for_timeout(300)
    assert seen.requests == [file.as_uri()]
    assert seen.errors == []
    assert seen.dialogs == []
    assert shown.locator("img").count() == 0
    assert HOSTILE in shown.locator("body").inner_text()
    # Nothing is wider than the page, so that it prints whole on A4.
    widths = shown.evaluate("[...document.querySelectorAll('.figure')].map(one => one.scrollWidth)")
    assert max(widths) <= WIDTH + 2
    assert shown.evaluate("[...document.querySelectorAll('.wide')].every(one => one.scrollWidth <= one.clientWidth)")
    # Words of a figure stay within it.
    outside = shown.evaluate(
        """[...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
            const box = plot.getBoundingClientRect();
            return [...plot.querySelectorAll('text')].filter(one => {
                const own = one.getBoundingClientRect();
                return own.width > 0 && (own.right > box.right + 1 || own.left < box.left - 1);
            }).map(one => one.textContent);
        })"""
    )
    assert outside == []
    assert len(shown.pdf(format="A4")) > 20_000
