"""Make the pictures of the documentation from the samples: python docs/pictures.py

Needs Chromium or Chrome, which draws the figure as a reader of the notebook sees it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "forecast" / "samples"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 860
SHARPNESS = 2  # pixels of the screen for one of the picture


def browser() -> str | None:
    """The first browser that is there."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def picture(figure: go.Figure, path: Path, *, width: int = WIDTH) -> None:
    """Write the figure to `path` as PNG, `width` pixels wide before SHARPNESS."""
    program = browser()
    if program is None:
        sys.exit(f"Making pictures takes one of {', '.join(BROWSERS)}: install Chromium.")
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder) / "figure.html", Path(folder) / "figure.png"
        told: Any = {"displayModeBar": False}
        body = figure.to_html(full_html=False, include_plotlyjs=True, config=told, default_width=f"{width}px")
        page.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:0">{body}</body>', encoding="utf-8")
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000",
            f"--force-device-scale-factor={SHARPNESS}", f"--window-size={width},{int(figure.layout.height)}",
            f"--user-data-dir={folder}/profile", f"--screenshot={shot}", page.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        shutil.copyfile(shot, path)


def main() -> None:
    from forecast import plots
    from forecast.answer import ask
    from forecast.question import question_from
    from forecast.sources import load

    config, tables = load(SAMPLES / "maven")
    picture(plots.revenue(ask(config, tables, question_from(config, tables))), HERE / "revenue.png")


if __name__ == "__main__":
    main()
