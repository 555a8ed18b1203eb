from dataclasses import replace

import pandas as pd
import pytest

from forecast.sources.quality import Entry, FileRows, Ledger
from forecast.sources.tables import Known, Tables, usual_attributes


def tables() -> Tables:
    days = pd.to_datetime(["2017-01-01", "2017-01-02"])
    deals = pd.DataFrame({"deal_id": ["1"], "client": ["X"], "amount": [1.0], "created": days[:1]})
    history = pd.DataFrame({"deal_id": ["1", "1"], "stage": ["A", "Won"], "entered": days, "amount": 1.0})
    known = {"client": Known.CREATION, "amount": Known.CHANGE}
    return Tables(deals, history, False, known, Ledger(), None, pd.Timestamp("2017-01-03"))


def test_checked_when_built() -> None:
    good = tables()
    late = good.deals.assign(created=pd.Timestamp("2017-01-02"))
    twice = pd.concat([good.deals, good.deals])
    for deals, told in (
        (good.deals[["client", "deal_id", "amount", "created"]], "must begin with the columns"),
        (good.deals.assign(owner="ann"), "known says nothing"),
        (late, "before it was created"),
        (twice, "unique"),
        (good.deals.assign(deal_id="2"), "every deal must have a stage"),
    ):
        with pytest.raises(ValueError, match=told):
            replace(good, deals=deals)
    with pytest.raises(ValueError, match="sorted by time"):
        replace(
            good,
            stage_history=good.stage_history.assign(entered=good.stage_history["entered"][::-1].to_numpy()),
            deals=good.deals.assign(created=pd.Timestamp("2016-01-01")),
        )


def test_usual_attributes() -> None:
    deals = pd.DataFrame({"owner": ["a", "b"], "region": ["x", "x"], "team": ["s", "t"], "other": ["1", "2"]})
    known = dict.fromkeys(deals.columns, Known.CREATION) | {"team": Known.CLOSE}
    assert usual_attributes(deals, known) == ("owner",)


def test_ledger_adds_up() -> None:
    rows = FileRows("a.csv", 3, 2, 1)
    entry = Entry("a.csv", "bad", 1)
    ledger = Ledger((rows,), (entry, Entry("a.csv", "odd", 2, set_aside=False)))
    assert (ledger.read, ledger.used, ledger.set_aside) == (3, 2, 1)
    with pytest.raises(ValueError, match="reasons for 0"):
        Ledger((rows,), ())
    with pytest.raises(ValueError, match="3 rows read, 2 used, 0 set aside"):
        FileRows("a.csv", 3, 2, 0)
