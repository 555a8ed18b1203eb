"""The report in a real browser: it draws its figures, asks for nothing, and runs nothing of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.report import WIDTH, page
from tests.browser.browsers import opened
from tests.forecast.answers import hand_made, stage

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_report(language: str, tmp_path: Path) -> None:
    exits = [
        {"from": HOSTILE, "to": "B", "kind": "advance", "count": 30},
        {"from": HOSTILE, "to": "Lost", "kind": "lost", "count": 9},
        {"from": "B", "to": HOSTILE, "kind": "back", "count": 4},
    ]
    stages = [stage(HOSTILE, 3, 0.7, 10.0), stage("B", 4, 0.8, 3.0)]
    answer = hand_made().told(funnel=HOSTILE, stages=stages, exits=exits)
    for period in answer.summary["periods"]:
        for row in period["clients"]["table"]:
            row["client"] = HOSTILE
        period["clients"]["critical"] = HOSTILE
    file = tmp_path / "report.html"
    file.write_text(page(answer, language), encoding="utf-8")
    with opened() as (shown, seen):
        shown.goto(file.as_uri())
        shown.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 9")
        shown.wait_for_timeout(300)
        assert seen.requests == [file.as_uri()]
        assert seen.errors == []
        assert seen.dialogs == []
        assert shown.locator("img").count() == 0
        assert HOSTILE in shown.locator("body").inner_text()
        # Nothing is wider than the page, so that it prints whole on A4.
        widths = shown.evaluate("[...document.querySelectorAll('.figure')].map(one => one.scrollWidth)")
        assert max(widths) <= WIDTH + 2
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
