"""JupyterLab on copies of the notebooks: the installed ones are never opened, and no copy is written over."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from forecast.errors import FunnelError
from forecast.outputs import made, write_text

HERE = Path(__file__).resolve().parent
PLACES = (HERE / "notebooks", HERE.parent / "notebooks")  # in an installed package, and in the project's folder
FIRST = "01_can_we_reach_the_target.ipynb"
NEEDED = ("jupyterlab", "jupytext", "ipywidgets")


def copied(folder: Path) -> list[Path]:
    """Write the notebooks into a folder, but those that are there already; the new ones."""
    import jupytext

    made(folder)
    new = []
    for source in notebooks():
        target = folder / f"{source.stem}.ipynb"
        if not target.exists():
            notebook = jupytext.read(source)
            notebook.metadata.pop("jupytext", None)  # a copy is paired with nothing
            write_text(target, jupytext.writes(notebook, fmt="ipynb"))
            new.append(target)
    return new


def notebooks() -> list[Path]:
    """The notebooks that come along, kept as text."""
    return next(found for place in PLACES if (found := sorted(place.glob("[0-9]*.py"))))


def check() -> None:
    """FunnelError where what a notebook needs is not installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise FunnelError(
            f"notebooks need {' and '.join(missing)}", remedy="Install them: pip install 'entonnoir[notebooks]'"
        )


def opened(folder: Path, more: Sequence[str] = ()) -> int:
    """Run JupyterLab in a folder until it is stopped; its exit code."""
    command = [sys.executable, "-m", "jupyterlab", FIRST, *more]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return subprocess.run(command, cwd=folder, check=False).returncode
