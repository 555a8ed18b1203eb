"""Where is kept what was learned of a funnel: fits that can be asked again, and the log of its forecasts."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from platformdirs import user_state_path

from forecast.config import Config

FOLDER = ".funnel"
INSTALLED = Path(__file__).parent  # with the samples


def folder_of(config: Config) -> Path | None:
    """`.funnel/NAME` beside the funnel file called NAME.toml; None for a Config that was read from nowhere.

    In the user's own folder for programs' state where nothing may or should be written beside it: the samples, which
    are installed, folders that are read only, and bare files of rows.
    """
    if config.path is None:
        return None
    path = config.path.resolve()
    written = path.suffix.lower() == ".toml" and path.is_file() and os.access(path.parent, os.W_OK)
    if written and INSTALLED not in path.parents:
        return path.parent / FOLDER / path.stem
    whose = hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()
    return Path(user_state_path("entonnoir")) / f"{path.parent.name}-{path.stem}-{whose}"


def sweep(folder: Path, most: int) -> None:
    """Remove the folders called by a fingerprint, but for those last used."""
    kept = [place for place in folder.iterdir() if re.fullmatch("[0-9a-f]{16}", place.name)]
    for place in sorted(kept, key=lambda place: place.stat().st_mtime, reverse=True)[most:]:
        shutil.rmtree(place, ignore_errors=True)


def made(folder: Path) -> None:
    """Make such a folder; one beside a funnel file says that it is not for version control. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.parent.name == FOLDER and not (ignore := folder.parent / ".gitignore").exists():
        ignore.write_text("*\n", encoding="utf-8")
