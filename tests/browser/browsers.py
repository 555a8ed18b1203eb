"""A real Chromium without a window, and what it saw; tests that need one are skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from docs.pictures import browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
SCREEN = {"width": 1100, "height": 900}


@dataclass
class Seen:
    """Addresses asked for, errors in the console, and dialogs that a page opened."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def opened(screen: Mapping[str, int] = SCREEN, sharpness: float = 1) -> Iterator[tuple[Any, Seen]]:
    """A page of a fresh browser; sharpness: pixels of a picture for one of the screen."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = browser()
    if program is None:
        pytest.skip("no Chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = chromium.new_page(viewport=dict(screen), device_scale_factor=sharpness)
        seen = Seen()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda told: seen.errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        try:
            yield page, seen
        finally:
            chromium.close()
