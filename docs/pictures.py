"""Make the pictures of the README from the samples, as a reader's browser shows them: python -m docs.pictures

Needs what is installed for development, and Chromium or Chrome.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from forecast.answer import Answer, ask
from forecast.kept import kept_for
from forecast.lab import copied
from forecast.options import SAMPLES
from forecast.question import question_from
from forecast.report import page
from forecast.sources import load
from tests.browser.browsers import lacking, opened
from tests.browser.lab import CHANCE, run_all, seconds_of, serving, slider

HERE = Path(__file__).resolve().parent
REPORT = {"width": 780, "height": 1100}  # pixels of the screen
NOTEBOOK = {"width": 1180, "height": 1400}
SHARPNESS = 1.5  # pixels of the picture for one of the screen
STEPS = 5  # points by which the first conversion is moved


def report(answer: Answer, path: Path) -> None:
    """The page of an answer, down to the end of its first figure."""
    with tempfile.TemporaryDirectory() as folder, opened(REPORT, SHARPNESS) as (shown, _):
        file = Path(folder) / "report.html"
        file.write_text(page(answer), encoding="utf-8")
        shown.goto(file.as_uri())
        figure = shown.locator(".js-plotly-plot").first
        figure.locator(".main-svg").first.wait_for()
        box = figure.bounding_box()
        shown.screenshot(path=path, clip={"x": 0, "y": 0, "width": REPORT["width"], "height": box["y"] + box["height"]})


def explorer(path: Path) -> None:
    """The sliders in the notebook about the sample, one of them moved."""
    with tempfile.TemporaryDirectory() as folder, opened(NOTEBOOK, SHARPNESS) as (shown, _):
        books = Path(folder) / "books"
        copied(books)
        with serving(books, Path(folder)) as address:
            run_all(shown, address, "03_explore_assumptions")
            for _ in range(STEPS):
                seconds_of(shown, slider(shown, "conversion").first, "ArrowRight")
            shown.wait_for_timeout(3000)  # the figure follows
            shown.locator(".jp-OutputArea-output", has=shown.locator(CHANCE)).last.screenshot(path=path)


def main() -> None:
    if lacking():
        sys.exit(f"Pictures cannot be made: {lacking()}.")
    config, tables = load(SAMPLES / "maven")
    report(ask(config, tables, question_from(config, tables), fits=kept_for(config)), HERE / "report.png")
    explorer(HERE / "explorer.png")


if __name__ == "__main__":
    main()
