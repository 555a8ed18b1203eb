"""A real Chromium without a window, and what it saw."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
SCREEN = {"width": 1100, "height": 900}


@dataclass
class Seen:
    """Addresses asked for, errors in the console, and dialogs that a page opened."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


def browser() -> str | None:
    """The first browser that is there."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def lacking() -> str:
    """What is not there, and a browser cannot be opened without; empty where nothing is."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed"
    return "" if browser() else f"there is none of {', '.join(BROWSERS)}"


@contextmanager
def opened(screen: Mapping[str, int] = SCREEN, sharpness: float = 1) -> Iterator[tuple[Any, Seen]]:
    """A page of a fresh browser; sharpness: pixels of a picture for one of the screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=ARGUMENTS)
        page = chromium.new_page(viewport=dict(screen), device_scale_factor=sharpness)
        seen = Seen()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda told: seen.errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", lambda dialog: _answered(dialog, seen))
        try:
            yield page, seen
        finally:
            chromium.close()


def _answered(dialog: Any, seen: Seen) -> None:
    """A page that asks whether to be left with changes is left; every other dialog is noted, and closed."""
    if dialog.type == "beforeunload":
        dialog.accept()
    else:
        seen.dialogs.append(dialog.message)
        dialog.dismiss()
