"""The record that a forecast quotes: how often the ranges of past questions held the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.errors import FunnelError

FOLDER = "backtest"  # beside the funnel file
FILE = "backtest.json"
SCHEMA_VERSION = "1.0"
OURS = "this forecast"  # its name beside the others
QUOTED = 0.8  # the level of the ranges that a forecast quotes


def at_hand(config: Config) -> Path | None:
    """The result of the last backtest of this funnel, where `funnel backtest` left it."""
    path = config.folder / FOLDER / FILE
    return path if path.is_file() else None


def read(path: Path) -> dict[str, Any]:
    """The result of a backtest; FunnelError where the file is none."""
    remedy = "Name a backtest.json that `funnel backtest` of this version wrote, or run it again."
    try:
        board = json.loads(path.read_bytes())
    except OSError as error:
        raise FunnelError(f"cannot be read ({error.strerror})", file=path, remedy=remedy) from None
    except ValueError:
        raise FunnelError("is not JSON", file=path, remedy=remedy) from None
    if not isinstance(board, dict) or board.get("schema_version") != SCHEMA_VERSION or "windows" not in board:
        raise FunnelError("is not the result of a backtest", file=path, remedy=remedy)
    return board


def record(board: Mapping[str, Any], config: Config, origin: date) -> dict[str, Any] | None:
    """How often the ranges held the truth, over the questions whose answer was known before `origin`.

    None where there is none, or the backtest is another funnel's.
    """
    if board["funnel"] != config.funnel.name or tuple(board["stages"]) != config.funnel.stages:
        return None
    ended = [window for window in board["windows"] if date.fromisoformat(window["after"]) <= origin]
    if not ended:
        return None
    held = sum(window["p10"] <= window["actual"] <= window["p90"] for window in ended)
    return {"questions": len(ended), "level": QUOTED, "held": held, "since": ended[0]["origin"]}
