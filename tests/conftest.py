"""What several tests share because it takes long to make: one real answer, about a small made-up company."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from forecast.answer import Answer
from forecast.synthetic import Generated


class Asked(NamedTuple):
    """A company's files and the answer to its question."""

    made: Generated
    folder: Path
    answer: Answer


@pytest.fixture(scope="session", autouse=True)
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is kept in the user's own folder, nor found there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The one real fit that most tests of the answer share."""
    from tests.forecast.companies import KNOWN, SMALL, answered, small, write_company

    made = small()
    folder = write_company(tmp_path_factory.mktemp("small"), SMALL, made, KNOWN)
    return Asked(made, folder, answered(folder))
