"""JupyterLab is opened on copies, which are the user's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast import lab
from forecast.errors import FunnelError

pytest.importorskip("jupytext")


def test_notebooks_are_copied_once(tmp_path: Path) -> None:
    new = lab.copied(tmp_path / "mine")
    assert [path.name for path in new] == [f"{path.stem}.ipynb" for path in lab.notebooks()]
    assert lab.FIRST in {path.name for path in new}
    first = json.loads(new[0].read_text(encoding="utf-8"))
    assert "jupytext" not in first["metadata"]
    assert any("parameters" in cell["metadata"].get("tags", []) for cell in first["cells"])
    new[0].write_text("mine", encoding="utf-8")
    new[1].unlink()
    assert lab.copied(tmp_path / "mine") == [new[1]]
    assert new[0].read_text(encoding="utf-8") == "mine"


def test_jupyterlab_is_run_in_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        seen.update(options, command=command)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(subprocess, "run", run)
    assert lab.opened(tmp_path, ["--no-browser"]) == 3
    assert seen["cwd"] == tmp_path
    assert seen["command"][1:5] == ["-m", "jupyterlab", lab.FIRST, "--no-browser"]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lab.check()
    monkeypatch.setattr(lab, "NEEDED", ("json", "no_such_package"))
    with pytest.raises(FunnelError, match="notebooks need no_such_package"):
        lab.check()
