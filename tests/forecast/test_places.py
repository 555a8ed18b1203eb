"""Where things are kept: beside the funnel file where one may write there, else in a folder of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast import places
from forecast.config import Config, read_config
from forecast.places import INSTALLED, folder_of, made
from forecast.sources import configured


def funnel_file(folder: Path, name: str = "funnel.toml") -> Path:
    path = folder / name
    path.write_text('[funnel]\nname = "A"\n')
    return path


def test_beside_the_funnel_file(tmp_path: Path) -> None:
    one = folder_of(read_config(funnel_file(tmp_path)))
    other = folder_of(read_config(funnel_file(tmp_path, "renewals.toml")))
    assert one == tmp_path.resolve() / ".funnel" / "funnel"
    assert other == tmp_path.resolve() / ".funnel" / "renewals"
    assert not (tmp_path / ".funnel").exists()
    for folder in (one, other):
        made(folder)
    assert (tmp_path / ".funnel" / ".gitignore").read_text() == "*\n"


def test_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "user_state_path", lambda name: tmp_path / "state" / name)
    state = tmp_path / "state" / "entonnoir"
    assert folder_of(Config()) is None
    sample = folder_of(read_config(INSTALLED / "samples" / "maven" / "funnel.toml"))
    assert sample is not None
    assert sample.parent == state
    assert sample.name.startswith("maven-funnel-")
    rows = tmp_path / "rows.csv"
    rows.write_text("id\n1\n")
    bare = folder_of(configured(rows))
    assert bare is not None
    assert bare.parent == state
    read_only = read_config(funnel_file(tmp_path))
    monkeypatch.setattr(places.os, "access", lambda *_: False)
    other = folder_of(read_only)
    assert other is not None
    assert other.parent == state
    assert len({sample, bare, other}) == 3
    made(sample)
    assert list(tmp_path.rglob(".gitignore")) == []
