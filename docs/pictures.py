"""Make the pictures of the README from the samples, as a reader's browser shows them: python -m docs.pictures

Needs what is installed for development, and Chromium or Chrome.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "forecast" / "samples"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PAGE = {"width": 760, "height": 820}  # pixels: the first screen of the report
NOTEBOOK = {"width": 1180, "height": 1500}
SHARPNESS = 2  # pixels of the picture for one of the screen


def browser() -> str | None:
    """The first browser that is there."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def report(answer: Any, path: Path) -> None:
    """The report of an answer as it opens."""
    from forecast.report import page
    from tests.browser.browsers import opened

    with tempfile.TemporaryDirectory() as folder, opened(PAGE, SHARPNESS) as (shown, _):
        file = Path(folder) / "report.html"
        file.write_text(page(answer), encoding="utf-8")
        shown.goto(file.as_uri())
        shown.locator(".js-plotly-plot .main-svg").first.wait_for()
        shown.screenshot(path=path)


def explorer(path: Path) -> None:
    """The sliders in the notebook about the sample, one of them moved."""
    from forecast.lab import copied
    from tests.browser.browsers import opened
    from tests.browser.lab import PATIENCE, run_all, serving

    with tempfile.TemporaryDirectory() as folder, opened(NOTEBOOK, SHARPNESS) as (page, _):
        books = Path(folder) / "books"
        copied(books)
        with serving(books, Path(folder)) as address:
            run_all(page, address, "03_explore_assumptions")
            before = page.locator(".explorer-chance").inner_text()
            handle = page.locator(".widget-slider", has_text="conversion").first.locator(".noUi-handle")
            handle.focus()
            for _ in range(5):
                handle.press("ArrowRight")
            page.wait_for_function(
                "told => document.querySelector('.explorer-chance').innerText !== told", arg=before, timeout=PATIENCE
            )
            page.wait_for_timeout(2000)  # the figure follows
            page.locator(".jp-OutputArea-output", has=page.locator(".explorer-chance")).last.screenshot(path=path)


def main() -> None:
    from forecast.answer import ask
    from forecast.kept import kept_for
    from forecast.question import question_from
    from forecast.sources import load

    config, tables = load(SAMPLES / "maven")
    report(ask(config, tables, question_from(config, tables), fits=kept_for(config)), HERE / "report.png")
    explorer(HERE / "explorer.png")


if __name__ == "__main__":
    main()
