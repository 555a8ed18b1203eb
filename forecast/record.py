"""The record that a forecast quotes: how often the ranges of past questions held the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.question import Question
from forecast.windows import usual_horizon

FOLDER = "backtest"  # beside the funnel file
FILE = "backtest.json"
SCHEMA_VERSION = "1.0"
OURS = "this forecast"  # its name beside the others
QUOTED = 0.8  # the level of the ranges that a forecast quotes
ALIKE = 1.5  # horizons of which one is so many times as long, at the most, are alike
WINDOW = ("origin", "after", "p10", "p50", "p90", "actual")  # what is quoted of a past question


def folder_of(config: Config, sample: str | None = None) -> Path:
    """Where a backtest is kept: beside the funnel file; that of a sample, whose folder is installed, here."""
    return config.folder / FOLDER if sample is None else Path(FOLDER) / sample


def at_hand(config: Config, sample: str | None = None) -> Path | None:
    """The result of the last backtest of this funnel, where `funnel backtest` left it; a sample comes with one."""
    for folder in (folder_of(config, sample), folder_of(config)):
        if (folder / FILE).is_file():
            return folder / FILE
    return None


def spared(file: Path, board: Mapping[str, Any]) -> Path | None:
    """Move the record of more questions than `board` has out of its way, and tell where; None where there is none."""
    try:
        before = read(file)
    except FunnelError:
        return None
    if len(before["windows"]) <= len(board["windows"]):
        return None
    aside = file.with_name(f"{file.stem}-{len(before['windows'])}-{before['horizon']}{file.suffix}")
    file.replace(aside)
    return aside


def read(path: Path) -> dict[str, Any]:
    """The result of a backtest; FunnelError where the file is none."""
    remedy = "Name a backtest.json that `funnel backtest` of this version wrote, or run it again."
    try:
        board = json.loads(path.read_bytes())
    except OSError as error:
        raise FunnelError(f"cannot be read ({error.strerror})", file=path, remedy=remedy) from None
    except ValueError:
        raise FunnelError("is not JSON", file=path, remedy=remedy) from None
    if not isinstance(board, dict) or board.get("schema_version") != SCHEMA_VERSION or not _whole(board):
        raise FunnelError("is not the result of a backtest", file=path, remedy=remedy)
    return board


def _whole(board: Mapping[str, Any]) -> bool:
    """Whether everything is there that `record` reads."""
    windows = board.get("windows")
    return (
        {"funnel", "stages", "horizon"} <= board.keys()
        and isinstance(windows, list)
        and all(isinstance(one, dict) and set(WINDOW) <= one.keys() for one in windows)
    )


def is_of(board: Mapping[str, Any], config: Config) -> bool:
    """Whether a backtest is this funnel's."""
    return bool(board["funnel"] == config.funnel.name and tuple(board["stages"]) == config.funnel.stages)


def record(board: Mapping[str, Any], config: Config, question: Question) -> dict[str, Any] | None:
    """How often the ranges held the truth, over the questions whose answer was known before the origin; and whether
    they looked as far ahead as this one does.

    None where there is none, or the backtest is another funnel's.
    """
    if not is_of(board, config):
        return None
    ended = [window for window in board["windows"] if date.fromisoformat(window["after"]) <= question.origin]
    if not ended:
        return None
    held = sum(window["p10"] <= window["actual"] <= window["p90"] for window in ended)
    return {
        "questions": len(ended), "level": QUOTED, "held": held, "since": ended[0]["origin"],
        "horizon": board["horizon"],
        "same_horizon": _as_far(board["horizon"], question),
        "windows": [{key: one[key] for key in WINDOW} for one in ended],
    }  # fmt: skip


def _as_far(horizon: str, question: Question) -> bool:
    """Whether a question looks about as far ahead as those of a backtest: to the end of the same, or so many days."""
    if not horizon[:1].isdigit():
        return horizon == usual_horizon([period for period, _ in question.periods])
    ahead = min((period.after - question.origin).days for period, _ in question.periods)
    days = int(horizon[:-1]) * {"d": 1, "w": 7, "m": 30}[horizon[-1]]
    return days / ALIKE <= ahead <= days * ALIKE
