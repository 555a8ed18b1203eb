"""The question as typed, the months it is cut into, and an answer that adds up."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.answer import ask, asked_months, month_labels
from forecast.config import Config, config_from
from forecast.errors import FunnelError
from forecast.history import actual, as_of
from forecast.new_deals import wins_from
from forecast.outputs import finite, with_files
from forecast.periods import parse_period
from forecast.question import Question, question_from
from forecast.sources import load
from forecast.width import width
from tests.conftest import Asked
from tests.forecast.companies import DRAWS, ORIGIN, PERIODS, SMALL

SCHEMA = Path(__file__).parents[2] / "forecast" / "schema" / "forecast-1.0.json"
RECORDS: Any = SimpleNamespace(recorded_until=pd.Timestamp("2018-01-01"))


# --- the question ---


def funnel_file(**forecast: Any) -> Config:
    return config_from({"forecast": forecast})


ASKED = funnel_file(
    origin=date(2017, 10, 1),
    draws=500,
    seed=7,
    periods=[{"period": "2017Q4", "target": 3e6}, {"period": "2017", "target": 1e7}],
)


def told(question: Question) -> list[tuple[str, float]]:
    return [(period.label, target) for period, target in question.periods]


def test_all_from_the_funnel_file() -> None:
    question = question_from(ASKED, RECORDS)
    assert (question.origin, question.draws, question.seed) == (date(2017, 10, 1), 500, 7)
    assert told(question) == [("2017Q4", 3e6), ("2017", 1e7)]


def test_what_is_typed_comes_first() -> None:
    question = question_from(
        ASKED, RECORDS, as_of="2017-11-05", period="2017-12", target="1,250_000.50", draws=9, seed=0
    )
    assert (question.origin, question.draws, question.seed) == (date(2017, 11, 5), 9, 0)
    assert told(question) == [("2017-12", 1_250_000.5)]


def test_without_a_date_as_of_the_end_of_the_records() -> None:
    assert question_from(Config(), RECORDS, period="2018", target=5).origin == date(2018, 1, 1)


@pytest.mark.parametrize("day", [datetime(2017, 11, 5, 8, 30), pd.Timestamp("2017-11-05"), date(2017, 11, 5)])
def test_a_moment_is_its_day(day: date) -> None:
    origin = question_from(ASKED, RECORDS, as_of=day).origin
    assert origin == date(2017, 11, 5)
    assert type(origin) is date


def test_a_target_typed_for_the_period_of_the_file() -> None:
    one = funnel_file(origin=date(2017, 10, 1), periods=[{"period": "2017Q4"}])
    assert told(question_from(one, RECORDS, target="12")) == [("2017Q4", 12.0)]
    assert told(question_from(ASKED, RECORDS, target=["1", 2])) == [("2017Q4", 1.0), ("2017", 2.0)]


def test_a_period_typed_with_the_target_of_the_file() -> None:
    assert told(question_from(ASKED, RECORDS, period="2017q4")) == [("2017Q4", 3e6)]


def test_fiscal_years() -> None:
    config = config_from({"funnel": {"fiscal_year_starts": 4}})
    question = question_from(config, RECORDS, as_of="2017-05-01", period="2018Q1", target=1)
    assert question.periods[0][0].start == date(2017, 4, 1)


BAD: dict[str, tuple[Config, dict[str, Any], str]] = {
    "no periods": (Config(), {}, "no period was asked about"),
    "target without period": (Config(), {"target": "5"}, "no period|0 periods"),
    "period without target": (ASKED, {"period": "2017-12"}, "2017-12 has no target"),
    "no target in the file": (
        funnel_file(origin=date(2017, 10, 1), periods=[{"period": "2017Q4"}]),
        {},
        "2017Q4 has no target",
    ),
    "fewer targets": (ASKED, {"target": ["5"]}, "2 periods were asked about, with 1 target"),
    "more targets": (ASKED, {"period": "2017Q4", "target": ["5", "6"]}, "1 period.* with 2 targets"),
    "in the past": (ASKED, {"period": "2017Q3", "target": "5"}, "2017Q3 ends on 2017-09-30.*in the past"),
    "ends on the day before": (ASKED, {"as_of": "2018-01-01"}, "2017Q4 ends on 2017-12-31.*in the past"),
    "not a period": (ASKED, {"period": "Q4", "target": "5"}, "'Q4' is not a period"),
    "not a day": (ASKED, {"as_of": "2017-02-30"}, "'2017-02-30' is not a date"),
    "not a date": (ASKED, {"as_of": "yesterday"}, "'yesterday' is not a date"),
    **{
        f"target {value}": (ASKED, {"period": "2017Q4", "target": value}, "is not a positive number")
        for value in ("many", "", "3,5", "0", "-5", "nan", "inf", "1e999")
    },
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_asked(name: str) -> None:
    config, typed, message = BAD[name]
    with pytest.raises(FunnelError, match=message) as error:
        question_from(config, RECORDS, **typed)
    assert error.value.remedy


# --- the months ---


def months(origin: str, *periods: str) -> tuple[tuple[str, ...], list[str], int]:
    """Labels of the months kept, first days of all months, and how many are kept."""
    asked = tuple((parse_period(period), 1.0) for period in periods)
    edges, kept = asked_months(pd.Timestamp(origin), Question(date.fromisoformat(origin), asked, 1, 1))
    assert (np.diff(edges) > 0).all()
    return month_labels(edges[: kept + 1]), [f"{day:%Y-%m-%d}" for day in pd.to_datetime(edges, unit="D")], kept


def test_whole_months_from_the_first_of_one() -> None:
    names, edges, kept = months("2017-10-01", "2017Q4", "2017")
    assert names == ("2017-10", "2017-11", "2017-12")
    assert edges[:4] == ["2017-10-01", "2017-11-01", "2017-12-01", "2018-01-01"]
    assert (edges[-1], kept) == ("2019-10-01", 3)  # two years, for the closing dates of deals


def test_the_first_month_is_what_is_left_of_it() -> None:
    names, edges, _ = months("2017-10-08", "2017Q4")
    assert names == ("2017-10", "2017-11", "2017-12")
    assert edges[:2] == ["2017-10-08", "2017-11-01"]


def test_periods_cut_months() -> None:
    names, edges, _ = months("2024-04-10", "2024Q2", "2024-04-20..2024-05-15")
    assert edges[:6] == ["2024-04-10", "2024-04-20", "2024-05-01", "2024-05-16", "2024-06-01", "2024-07-01"]
    assert names == ("2024-04-10..19", "2024-04-20..30", "2024-05-01..15", "2024-05-16..31", "2024-06")


def test_periods_that_overlap() -> None:
    names, _, _ = months("2024-04-01", "2024-04-05..2024-04-20", "2024-04-10..2024-04-25")
    assert names == ("2024-04-01..04", "2024-04-05..09", "2024-04-10..20", "2024-04-21..25")


def test_a_period_far_ahead() -> None:
    names, edges, kept = months("2024-04-10", "2027-01")
    assert (len(names), kept) == (34, 34)  # the months until then are simulated, too
    assert (names[0], names[-1], edges[-1]) == ("2024-04", "2027-01", "2027-03-01")  # the next month, too


# --- the answer ---

MONTHS = ("2024-04-10..19", "2024-04-20..30", "2024-05-01..15", "2024-05-16..31", "2024-06")
OF_PERIOD = {
    "2024Q2": MONTHS,
    "2024-04-20..2024-05-15": MONTHS[1:3],
    "2024": (*MONTHS, *(f"2024-{month:02d}" for month in range(7, 13))),
}


@pytest.fixture(params=list(PERIODS))
def period(request: pytest.FixtureRequest, asked: Asked) -> dict[str, Any]:
    """What the summary says of each period in turn."""
    (found,) = (one for one in asked.answer.summary["periods"] if one["period"] == request.param)
    return found


def simulated(asked: Asked, period: dict[str, Any]) -> pd.Series:
    """Amount simulated within the period, by simulation."""
    samples = asked.answer.samples()
    return samples[samples["month"].isin(OF_PERIOD[period["period"]])].groupby("simulation")["won"].sum()


def won(asked: Asked, start: date, after: date) -> float:
    """Amount won from `start` until before `after`, counted in the rows themselves."""
    rows = asked.made.stage_history
    within = rows["entered"].between(pd.Timestamp(start), pd.Timestamp(after), inclusive="left")
    return float(rows.loc[within & (rows["stage"] == SMALL.won), "amount"].sum())


def test_summary_is_plain_and_fits_its_schema(asked: Asked) -> None:
    summary = with_files(finite(asked.answer.summary), {})
    json.dumps(summary, allow_nan=False)
    assert finite(asked.answer.summary) == asked.answer.summary
    if not SCHEMA.exists():
        pytest.skip("there is no schema")
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(summary, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_summary_repeats_the_question(asked: Asked) -> None:
    summary = asked.answer.summary
    told = {key: summary[key] for key in ("schema_version", "funnel", "origin", "currency", "seed", "draws")}
    assert told == {
        "schema_version": "1.0",
        "funnel": SMALL.name,
        "origin": ORIGIN.isoformat(),
        "currency": "EUR",
        "seed": 1,
        "draws": DRAWS,
    }
    assert {one["period"]: one["target"] for one in summary["periods"]} == PERIODS
    assert summary["fit"]["healthy"] is True
    quality = summary["quality"]
    rows = len(asked.made.deals) + len(asked.made.stage_history)
    assert quality["read"] == quality["used"] + quality["set_aside"] == rows


def test_samples(asked: Asked) -> None:
    samples = asked.answer.samples()
    assert tuple(samples["month"][: len(asked.answer.months)]) == asked.answer.months == OF_PERIOD["2024"]
    assert samples.dtypes.astype(str).to_dict() == {"simulation": "int32", "month": "str", "won": "float64"}
    assert len(samples) == DRAWS * len(asked.answer.months)
    assert (samples.groupby("month")["simulation"].nunique() == DRAWS).all()
    assert (samples["won"] >= 0).all()


def test_probability_and_range_are_those_of_the_samples(asked: Asked, period: dict[str, Any]) -> None:
    total = period["won_to_date"] + simulated(asked, period)
    assert period["p_hit"] == (total >= period["target"]).mean()
    assert 0 < period["p_hit_se"] < 0.05
    assert period["mean"] == pytest.approx(total.mean())
    for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        assert period[name] == pytest.approx(np.quantile(total, share))


def test_won_to_date_and_gap(asked: Asked, period: dict[str, Any]) -> None:
    start = date.fromisoformat(period["start"])
    assert period["won_to_date"] == (won(asked, start, ORIGIN) if start < ORIGIN else 0.0)
    assert period["gap"] == period["target"] - period["won_to_date"]
    assert period["funnel_factor"] == pytest.approx(period["rtv"] / period["gap"])


def test_parts_sum_to_the_whole(asked: Asked, period: dict[str, Any]) -> None:
    to_come = period["from_open"] + period["from_new"]
    assert period["from_open"] > 0
    assert period["from_new"] > 0
    assert period["won_to_date"] + to_come == pytest.approx(period["mean"])
    assert sum(month["mean"] for month in period["by_month"]) == pytest.approx(period["mean"])
    for rows in ([*period["clients"]["table"], period["clients"]["rest"]], *(g["rows"] for g in period["groups"])):
        assert sum(one["expected"] for one in rows) == pytest.approx(to_come)
        assert sum(one["won_to_date"] for one in rows) == pytest.approx(period["won_to_date"], abs=1e-6)
    clients = [*period["clients"]["table"], period["clients"]["rest"]]
    assert sum(one["share"] for one in clients) == pytest.approx(1)
    assert sum(one["shortfall_share"] for one in clients) == pytest.approx(1)
    assert [one["grouping"] for one in period["groups"]] == ["owner"]


def test_by_month(asked: Asked, period: dict[str, Any]) -> None:
    parts = parse_period(period["period"]).months()
    assert [month["month"] for month in period["by_month"]] == [part.label for part in parts]
    samples = asked.answer.samples()
    for month, part in zip(period["by_month"], parts, strict=True):
        assert month["won"] == (won(asked, part.start, min(part.after, ORIGIN)) if part.start < ORIGIN else 0)
        assert month["simulated"] == (part.after > ORIGIN)
        inside = [name for name in OF_PERIOD[period["period"]] if name.startswith(part.label)]
        draws = samples[samples["month"].isin(inside)].groupby("simulation")["won"].sum()
        expected = month["won"] + (draws.mean() if inside else 0)
        assert month["mean"] == pytest.approx(expected)
        if inside:
            assert month["p90"] == pytest.approx(month["won"] + np.quantile(draws, 0.9))
        else:
            assert month["p10"] == month["p50"] == month["p90"] == month["won"]


def test_a_month_partly_past_holds_both(asked: Asked) -> None:
    quarter, _, year = asked.answer.summary["periods"]
    april = quarter["by_month"][0]
    assert april["simulated"]
    assert april["won"] > 0
    assert april["mean"] > april["won"]
    assert april == year["by_month"][3]
    assert [month["simulated"] for month in year["by_month"]] == [False] * 3 + [True] * 9


def test_clients(asked: Asked, period: dict[str, Any]) -> None:
    clients = period["clients"]
    shares = [clients["shares"][top] for top in ("1", "3", "5")]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert clients["table"][0]["client"] == clients["largest"]
    assert clients["table"][0]["share"] == pytest.approx(shares[0])
    assert clients["effective_number"] == pytest.approx(1 / sum(one["share"] ** 2 for one in clients["table"]))
    assert clients["verdict"] == "dependent"  # of five clients each is a major one
    assert clients["sentence"].startswith(f"Without {clients['critical']} the chance falls from")
    assert 0 <= clients["p_hit_without_largest"] <= period["p_hit"]
    assert clients["unknown"]  # those of open deals are told at the close only


def test_actuals(asked: Asked, period: dict[str, Any]) -> None:
    """Told where the records reach the end of the period, and only there."""
    if period["period"] == "2024":
        assert period["actual"] is None
        return
    revenue = won(asked, date.fromisoformat(period["start"]), parse_period(period["period"]).after)
    assert period["actual"] == {"revenue": revenue, "hit": revenue >= period["target"]}


def test_no_actuals_as_of_the_end_of_the_records(asked: Asked) -> None:
    config, tables = load(asked.folder)
    recorded = as_of(tables, config.funnel, tables.recorded_until)
    assert actual(0.0, recorded.day, 1.0, recorded, recorded) is None


def test_open_deals_and_stages(asked: Asked) -> None:
    summary, rows = asked.answer.summary, asked.made.stage_history
    known = rows[rows["entered"] < pd.Timestamp(ORIGIN)]
    now = known.drop_duplicates("deal_id", keep="last")
    names = [stage.name for stage in SMALL.stages]
    still = now[now["stage"].isin(names)]
    assert summary["open"]["deals"] == len(still) > 20
    assert summary["open"]["value"] == still["amount"].sum()
    assert summary["open"]["viable"] == (still["stage"] == names[-1]).sum()
    rtv = still.loc[still["stage"] == names[-1], "amount"].sum()
    assert {one["rtv"] for one in summary["periods"]} == {rtv}
    assert summary["open"]["amounts_known"] is True
    assert [one["stage"] for one in summary["stages"]] == names
    assert [one["open"] for one in summary["stages"]] == [(still["stage"] == name).sum() for name in names]
    for one, stage in zip(summary["stages"], SMALL.stages, strict=True):
        for rate in (one["conversion"], one["lead_time_days"]):
            assert rate["low"] < rate["p50"] < rate["high"]
        # A sanity check of scale and order, not of coverage: see tests/calibration.
        assert abs(one["conversion"]["p50"] - stage.conversion) < 0.15
        assert abs(np.log(one["lead_time_days"]["p50"] / stage.median)) < np.log(1.5)


def test_new_deals_at_the_recent_rate(asked: Asked) -> None:
    told = asked.answer.summary["new_deals"]
    created = asked.made.deals["created"]
    recent = created.between("2024-01-10", "2024-04-10", inclusive="left").sum() / 91 * 365.25 / 12
    assert told["recent_per_month"] == pytest.approx(recent, rel=0.15)  # of whole months
    assert told["expected_per_month"] == pytest.approx(SMALL.arrivals, rel=0.3)


def test_deals(asked: Asked) -> None:
    deals, summary = asked.answer.deals(), asked.answer.summary
    assert len(deals) == summary["open"]["deals"]
    assert deals["deal_id"].is_unique
    assert deals["amount"].sum() == summary["open"]["value"]
    assert deals["client"].isna().all()
    assert deals["segment"].isna().all()
    assert (deals["age_days"] >= 0).all()
    counts = deals["stage"].value_counts()
    assert {one["stage"]: one["open"] for one in summary["stages"]} == counts.to_dict()
    # All of what is expected of deals open at the origin lies in the period that goes on longest.
    assert deals["expected_value"].sum() == pytest.approx(summary["periods"][2]["from_open"])
    chances = [deals[f"p_win_{label}"] for label in PERIODS]
    for within, whole in ((1, 0), (0, 2)):
        assert (chances[within] <= chances[whole]).all()
    assert (chances[2] <= deals["p_win"]).all()
    assert deals["p_win"].between(0, 1).all()
    closes = deals[["close_p10", "close_p50", "close_p90"]].dropna()
    assert len(closes) > len(deals) / 2
    assert (closes["close_p10"] >= pd.Timestamp(ORIGIN)).all()
    assert (closes["close_p10"] <= closes["close_p50"]).all()
    assert (closes["close_p50"] <= closes["close_p90"]).all()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_cluster_gives_the_same_answer(asked: Asked) -> None:
    """The fit is that of the shared answer; what is told (levers included), every simulation and what-ifs are the same
    to the byte.
    """
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    config, tables = load(asked.folder)
    kept: Any = SimpleNamespace(fit=lambda *_, **__: asked.answer.fit)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=None) as two:
        again = ask(
            config, tables, asked.answer.question, cluster=two.scheduler_address, deal_detail=True, fits=kept
        )  # fmt: skip
        what_if = again.what_if
        assert what_if.cluster == two.scheduler_address
        assert width(what_if, again.fit, config) == width(asked.answer.what_if, again.fit, config)
        found, here = (
            wins_from(what_if.given, what_if.seed, **one.place) for one in (what_if, asked.answer.what_if)
        )  # fmt: skip
        np.testing.assert_array_equal(found, here)
    assert again.outcomes.won.tobytes() == asked.answer.outcomes.won.tobytes()
    assert again.deals().equals(asked.answer.deals())
    assert again.summary == asked.answer.summary
