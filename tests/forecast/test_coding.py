"""Cells and clients: decided on one history, the same for a later one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast import coding as module
from forecast.coding import APART, NO, YES, Coding, clients, code, combined, existing_clients
from forecast.config_data import Known
from forecast.exposure import combinations
from forecast.history import History
from forecast.models.design import SIZE, cells, zero_sum
from tests.forecast.histories import history_of, tables


def coded(history: History, attributes: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    levels = code(history, attributes).levels(history)
    return combinations(levels) if len(levels.columns) else combined(levels, pd.DataFrame(index=[0]))


def with_clients(names: list[str | None], known: Known = Known.CREATION, **columns: object) -> History:
    """One deal a day of each of these clients."""
    rows = [(f"{i:04d}", "A", pd.Timestamp("2020-01-01") + pd.Timedelta(days=i)) for i in range(len(names))]
    column = pd.Series(names, dtype="str")
    late = dict.fromkeys(["client", *columns], known)
    return history_of(tables(rows, client=column, known=late, **columns))


def test_sizes_are_bands_of_amounts_known_at_creation() -> None:
    amounts = [float(10**i) for i in range(1, 6) for _ in range(4)]
    rows = [(f"{i:02d}", "A", "2020-01-01", amount) for i, amount in enumerate(amounts)]
    owner = pd.Series((["x", "y"] * 10), dtype="str")
    history = history_of(tables(rows, owner=owner))
    cells, of_deal = coded(history, ["owner"])
    assert len(cells) == 10
    assert list(cells.columns) == ["owner", SIZE]
    scores = cells[SIZE].to_numpy(dtype=float)[of_deal]
    # Five bands of one amount each, in order and standardised.
    logs = np.log(amounts)
    np.testing.assert_allclose(scores, (logs - logs.mean()) / logs.std(), rtol=1e-9)
    assert list(cells["owner"].to_numpy()[of_deal]) == list(owner)


def test_sizes_are_left_out_where_amounts_are_missing_or_all_alike() -> None:
    for amounts in ([5.0] * 20, [float(i) if i % 5 else np.nan for i in range(20)]):
        rows = [(f"{i:02d}", "A", "2020-01-01", amount) for i, amount in enumerate(amounts)]
        cells, of_deal = coded(history_of(tables(rows)), [])
        assert cells.shape == (1, 0)
        assert not of_deal.any()


def test_missing_amounts_and_owners_have_a_cell_too() -> None:
    rows = [(f"{i:02d}", "A", "2020-01-01", np.nan if i == 7 else float(i + 1)) for i in range(20)]
    owner = pd.Series([None, "x"] * 10, dtype="str")
    cells, of_deal = coded(history_of(tables(rows, owner=owner)), ["owner"])
    assert set(cells["owner"]) == {"", "x"}
    assert cells[SIZE].notna().all()
    # The missing one counts as the median, 11.
    assert cells[SIZE].to_numpy(dtype=float)[of_deal[7]] == cells[SIZE].to_numpy(dtype=float)[of_deal[9]]


# --- clients ---


def test_parents_pay_where_they_are_known() -> None:
    parent = pd.Series([None, "P", "P", None], dtype="str")
    history = with_clients(["a", "b", "c", None], parent_client=parent)
    assert list(clients(history)) == ["a", "P", "P", None]
    assert list(clients(with_clients(["a", None]))) == ["a", None]


def test_parents_known_later_than_clients_are_left_out() -> None:
    rows = [("1", "A", "2020-01-01"), ("2", "A", "2020-01-02")]
    made = tables(
        rows, client=pd.Series(["a", "b"], dtype="str"), parent_client=pd.Series(["P", "P"], dtype="str"),
        known={"client": Known.CREATION, "parent_client": Known.OVERWRITTEN},
    )  # fmt: skip
    assert list(clients(history_of(made))) == ["a", "b"]


def test_existing_clients_have_an_earlier_deal() -> None:
    history = with_clients(["a", "b", "a", None, "b", "a", None])
    assert list(existing_clients(history)) == [NO, NO, YES, "", YES, YES, ""]
    same_day = history_of(
        tables([("1", "A", "2020-01-01"), ("2", "A", "2020-01-01")], client=pd.Series(["a", "a"], dtype="str"))
    )
    assert list(existing_clients(same_day)) == [NO, NO]


def test_what_a_client_is_does_not_depend_on_later_days() -> None:
    """Existing or new is the same as of every later day: nothing leaks."""
    names = [f"c{number}" for number in np.random.default_rng(1).integers(0, 20, 60)]
    whole = with_clients(names)
    for days in (5, 30, 45):
        known = [name for name, day in zip(names, range(60), strict=True) if day < days]
        assert list(existing_clients(with_clients(known))) == list(existing_clients(whole)[:days])


def test_clients_known_late_are_not_told_apart() -> None:
    names = [f"c{i % 40}" for i in range(200)]
    for known in (Known.CLOSE, Known.OVERWRITTEN, Known.CHANGE):
        assert code(with_clients(names, known), []) == Coding((), None)
    assert code(with_clients(names), [], clients_differ=False) == Coding((), None)
    assert code(with_clients(names), []) == Coding((), None, existing=True, frailty=True)


def test_all_clients_have_a_frailty_where_there_are_few() -> None:
    names = [f"c{i % 40}" for i in range(70)]  # ten of them with one deal
    history = with_clients(names)
    made = code(history, [])
    assert (made.frailty, made.apart) == (True, None)
    found, client = made.clients_apart(history)
    assert found == sorted(set(names))
    assert [found[i] for i in client] == names
    few = with_clients(["a", "a", "b", "b", "c", *(f"d{i}" for i in range(80))])
    assert not code(few, []).frailty
    assert code(few, []).clients_apart(few)[0] == []


def test_of_many_clients_those_with_most_deals_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number of deals, never by how these ended; the deals of the others are a level of their own."""
    monkeypatch.setattr(module, "MOST_APART", 6)
    names = [f"c{i}" for i in range(12) for _ in range(12 - i)] + [f"one{i}" for i in range(5)]
    history = with_clients(names)
    made = code(history, [])
    assert made.apart == tuple(f"c{i}" for i in range(6))
    levels = made.levels(history)
    assert list(levels.columns) == [APART]  # 17 deals of new clients are too few for a level of their own
    assert list(levels[APART]) == [YES if name in made.apart else NO for name in names]
    found, client = made.clients_apart(history)
    assert ((client < 0) == (levels[APART] == NO)).all()
    assert len(found) == 6


def test_deals_without_a_name_are_a_level_of_their_own() -> None:
    names: list[str | None] = [f"c{i % 8}" for i in range(80)]
    names[3] = None
    history = with_clients(names)
    made = code(history, [])
    assert made.apart == tuple(f"c{i}" for i in range(8))
    assert (made.levels(history)[APART] == NO).sum() == 1


# --- later histories ---


def test_a_later_history_is_coded_alike() -> None:
    """Bands are those of the fit, known cells keep their number, new ones come after them."""
    amounts = [float(10**i) for i in range(1, 6) for _ in range(4)]
    rows = [(f"{i:02d}", "A", "2020-01-01", amount) for i, amount in enumerate(amounts)]
    owner = pd.Series(["x", "y"] * 10, dtype="str")
    first = history_of(tables(rows, owner=owner))
    coding = code(first, ["owner"])
    table, of_deal = combinations(coding.levels(first))
    more = [*rows, ("90", "A", "2020-01-02", 3.0), ("91", "A", "2020-01-02", 1e9), ("92", "A", "2020-01-02", 10.0)]
    later = history_of(tables(more, owner=pd.Series([*owner, "z", "x", None], dtype="str")))
    every, now = combined(coding.levels(later), table)
    pd.testing.assert_frame_equal(every.iloc[: len(table)], table)
    np.testing.assert_array_equal(now[:20], of_deal)
    assert now[21] == of_deal[18]  # the highest band of x
    assert set(now[[20, 22]]) == {len(table), len(table) + 1}
    assert every[SIZE].iloc[now[20]] == every[SIZE].iloc[now[0]]  # the lowest band
    again, same = combined(coding.levels(first), table)
    pd.testing.assert_frame_equal(again, table)
    np.testing.assert_array_equal(same, of_deal)


def test_a_level_not_seen_is_at_the_average() -> None:
    seen = pd.DataFrame({"owner": ["x", "y", "z"], SIZE: [-1.0, 0.0, 1.0]})
    new = cells(pd.DataFrame({"owner": ["y", "w"], SIZE: [2.0, 3.0]}), seen).matrix
    np.testing.assert_allclose(new[:2, 0], zero_sum(3)[1])
    assert not new[:2, 1].any()
    np.testing.assert_array_equal(new[2], [2.0, 3.0])
