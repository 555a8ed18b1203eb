"""Fits kept on disk: a question about a history that was fitted before need not wait for another fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast import places, saving
from forecast.config import Config
from forecast.errors import FunnelError
from forecast.fingerprint import fingerprint
from forecast.fit import Fit, fit
from forecast.history import History
from forecast.models.sampling import Progress

FOLDER = "fits"
MOST = 10  # fits kept of a funnel, some 20 MB each: those used last


@dataclass(frozen=True)
class Kept:
    """Fits kept in a folder. fresh: whether those that are there are passed over, and replaced."""

    folder: Path
    fresh: bool = False

    def fit(
        self, history: History, attributes: Sequence[str], *, progress: Progress | None = None, **options: Any
    ) -> Fit:
        """What forecast.fit.fit gives for the same arguments: found here, or fitted and then kept here.

        A fit is found again as long as the history, the options, the code and the libraries are the same; it then
        gives the same draws to the bit (see saving.py), and says that it was kept.
        """
        name = fingerprint(fit.__module__, history, list(attributes), options)
        place = self.folder / FOLDER / name
        if not self.fresh and (found := _found(place, history)) is not None:
            return found
        made = fit(history, attributes, progress=progress, **options)
        try:
            places.made(self.folder)
            saving.save(made, place)
            places.sweep(place.parent, MOST)
        except (FunnelError, OSError):
            pass  # a full disk, say: the next question takes longer, this one is answered
        return made


def kept_for(config: Config, *, fresh: bool = False) -> Kept | None:
    """Where the fits of a funnel are kept; None for a Config that was read from nowhere."""
    folder = places.folder_of(config)
    return None if folder is None else Kept(folder, fresh)


def _found(place: Path, history: History) -> Fit | None:
    """The fit kept at a place, which counts as used now; None where there is none, or it was not written whole."""
    try:
        found = saving.load(place, history)
        os.utime(place)
    except (FunnelError, OSError):
        return None
    return found
