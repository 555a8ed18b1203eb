from pathlib import Path

import pytest

from forecast.sources import xes


def test_a_log_read_in_parts_is_the_same_table(monkeypatch: pytest.MonkeyPatch) -> None:
    log = '<log><trace><string key="concept:name" value="1"/>'
    for number in range(5):
        more = '<int key="amount" value="7"/>' if number == 3 else ""
        log += f'<event><string key="concept:name" value="s{number}"/>{more}</event>'
    data = f"{log}</trace></log>".encode()
    whole = xes.read_xes(data, Path("a.xes"))
    monkeypatch.setattr(xes, "AT_ONCE", 2)
    assert xes.read_xes(data, Path("a.xes")).equals(whole)
    assert whole.to_pydict() == {
        "case:concept:name": ["1"] * 5,
        "concept:name": [f"s{number}" for number in range(5)],
        "amount": [None, None, None, "7", None],
    }
