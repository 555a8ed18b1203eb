"""Hand-made summaries of answers: what the terminal and the schema have to cope with, without sampling."""

from __future__ import annotations

import copy
from typing import Any

Summary = dict[str, Any]

MAVEN: Summary = {
    "schema_version": "1.0",
    "funnel": "Maven hardware sales",
    "origin": "2017-10-01",
    "currency": "USD",
    "seed": 1,
    "draws": 2000,
    "fit": {
        "healthy": True,
        "r_hat": 1.004,
        "ess": 612.0,
        "divergences": 0,
        "checked": 34,
        "outside": 1,
        "seconds": 8.1,
        "kept": False,
        "worst": "Engaging, wins in 2017-03: 61 seen, 70 to 130 expected",
        "message": "sampled well (R-hat 1.00, 612 independent draws)",
    },
    "quality": {
        "read": 8927,
        "used": 8427,
        "set_aside": 500,
        "reasons": [
            {
                "file": "sales_pipeline.csv",
                "reason": "no usable stage in sales_pipeline.csv",
                "count": 500,
                "examples": ["row 8302: Prospecting"],
            }
        ],
    },
    "open": {"deals": 2409, "viable": 2409, "value": 4_100_000.0, "amounts_known": False},
    "new_deals": {"recent_per_month": 923.3, "expected_per_month": 905.0},
    "stages": [
        {
            "stage": "Engaging",
            "open": 2409,
            "conversion": {"p50": 0.63, "low": 0.612, "high": 0.648},
            "lead_time_days": {"p50": 52.1, "low": 49.8, "high": 54.9},
        }
    ],
    "assumed": {
        "stages": [{"stage": "Engaging", "conversion": 0.001, "lead_time": 0.002}],
        "new_deals": 0.01,
        "amounts": 0.002,
    },
    "overdue": {
        "moved_on": 0.9,
        "deals": 611,
        "value": 1_611_819.88,
        "rtv": 1_611_819.88,
        "stages": [{"stage": "Engaging", "deals": 611, "value": 1_611_819.88, "limit_days": 118.05, "declared": False}],
        "list": [
            {
                "deal_id": "125VIRMX",
                "client": None,
                "owner": "Elease Gluck",
                "stage": "Engaging",
                "value": 26_396.6,
                "viable": True,
                "age_days": 285.0,
                "limit_days": 119.99,
                "moved_on_by_this_age": 0.975,
            }
        ],
    },
    "exits": [
        {"from": "Engaging", "to": "Won", "kind": "won", "count": 2100},
        {"from": "Engaging", "to": "Lost", "kind": "lost", "count": 1500},
    ],
    "next_period": None,
    "record": {
        "questions": 4,
        "level": 0.8,
        "held": 3,
        "since": "2017-06-01",
        "horizon": "quarter",
        "same_horizon": True,
        "windows": [
            {
                "origin": f"2017-{month:02}-01",
                "after": after,
                "p10": 1e6 * low,
                "p50": 1e6 * (low + 0.5),
                "p90": 1e6 * (low + 1),
                "actual": 1.3e6,
            }
            for month, after, low in (
                (6, "2017-07-01", 1.0),
                (7, "2017-10-01", 0.9),
                (8, "2017-10-01", 0.5),
                (9, "2017-10-01", 1.4),
            )
        ],
    },
    "files": {"json": "out/forecast.json", "samples": "out/samples.parquet", "deals": None, "report": None},
}


def month(label: str, middle: float, *, won: float = 0.0, simulated: bool = True) -> Summary:
    spread = 0.15 * middle if simulated else 0.0
    return {
        "month": label,
        "p10": middle - spread,
        "p50": middle,
        "p90": middle + spread,
        "mean": middle,
        "won": won,
        "simulated": simulated,
    }


def past(label: str, won: float) -> Summary:
    return month(label, won, won=won, simulated=False)


def lever(kind: str, stage: str | None, size: float, change: float) -> Summary:
    return {
        "lever": kind, "stage": stage, "size": size, "p_hit": 0.312 + change, "p_hit_change": change,
        "p_hit_change_se": 0.016, "p50_change": 1_240_000 * change, "p50_change_se": 9_000.0,
    }  # fmt: skip


def solution(kind: str, stage: str | None, verdict: str, size: float, monotone: bool = True) -> Summary:
    p_hit = {"already": 0.86, "reached": 0.801, "out of reach": 0.713}[verdict]
    return {
        "lever": kind, "stage": stage, "verdict": verdict, "size": size, "p_hit": p_hit, "p_hit_se": 0.016,
        "monotone": monotone,
    }  # fmt: skip


def changes(period: str, stages: tuple[str, ...] = ("Engaging",), months: tuple[str, ...] = ()) -> Summary:
    """What would change one period: the first stage most, the others a little less each."""
    new = lever("new_deals", None, 0.1, 0.031), lever("amount", None, 0.05, 0.087)
    of_stages = [lever("conversion", name, 0.05, 0.12 - 0.01 * i) for i, name in enumerate(stages)]
    of_stages += [lever("lead_time", name, -0.1, 0.044 - 0.01 * i) for i, name in enumerate(stages)]
    tornado = sorted([*of_stages, *new], key=lambda row: -row["p_hit_change"])
    found = [solution("conversion", name, "reached", 0.183) for name in stages]
    found += [solution("lead_time", name, "out of reach", -0.4, monotone=False) for name in stages]
    labels = months or tuple(f"2017-{number}" for number in (10, 11, 12))
    return {
        "period": period,
        "tornado": tornado,
        "bottleneck": {
            "stage": stages[0], "lever": "conversion", "p_hit_change": 0.12, "p_hit_change_se": 0.016,
            "clear": len(stages) == 1, "next": stages[1] if len(stages) > 1 else None,
        },
        "solutions": [*found, solution("new_deals", None, "reached", 0.27), solution("amount", None, "already", 0.0)],
        "new_deals": {
            "months": [
                {"month": label, "expected": 905.0, "p_win": 0.51, "in_time": 0.61 / (i + 1) ** 2, "useful": i < 2}
                for i, label in enumerate(labels)
            ],
            "latest": labels[1], "expected_per_month": 905.0, "needed_per_month": 1149.0,
        },
        "reverse": {
            "sales": 1429.0, "mean_amount": 2296.3,
            "stages": [
                {"stage": name, "p_win": 0.54, "p_win_se": 0.005, "needed": 2646.3} for name in stages
            ],
        },
    }  # fmt: skip


QUARTER_MONTHS = [month("2017-10", 905_000.0), month("2017-11", 921_000.0), month("2017-12", 1_104_000.0)]

CLIENTS: Summary = {
    "shares": {"1": 0.051, "3": 0.128, "5": 0.197},
    "concentration": 0.02,
    "effective_number": 50.0,
    "table": [
        {
            "client": name,
            "won_to_date": 0.0,
            "open_deals": 0,
            "open_value": 0.0,
            "viable_value": 0.0,
            "expected": 152_000.0 - 12_000 * rank,
            "share": 0.051 - 0.004 * rank,
            "p_hit_without": 0.226 + 0.01 * rank,
            "p_hit_without_se": 0.0094,
            "adds": 0.0,
            "shortfall_share": 0.05,
            "restoring_value": 478_000.0,
        }
        for rank, name in enumerate(("Kan-code", "Konex", "Condax", "Cheers", "Hottechi"))
    ],
    "rest": {"won_to_date": 0.0, "open_value": 0.0, "expected": 2_350_000.0, "share": 0.785, "shortfall_share": 0.75},
    "largest": "Kan-code",
    "p_hit_without_largest": 0.226,
    "p_hit_without_largest_se": 0.0094,
    "critical": "Kan-code",
    "unknown": True,
    "verdict": "watch",
    "sentence": "Without Kan-code the chance falls from 31 % to 23 %; 478k USD of viable value from other clients "
    "would restore it.",
}

OWNER: Summary = {
    "group": "Darcel Schlecht",
    "won_to_date": 0.0,
    "expected": 340_000.0,
    "p10": 250_000.0,
    "p50": 335_000.0,
    "p90": 440_000.0,
    "mean": 340_000.0,
    "open_deals": 153,
    "open_value": 530_000.0,
    "rtv": 530_000.0,
    "quota": 400_000.0,
    "gap": 400_000.0,
    "funnel_factor": 1.325,
    "p_hit": 0.21,
    "p_hit_se": 0.009,
}

QUARTER: Summary = {
    "period": "2017Q4",
    "start": "2017-10-01",
    "end": "2017-12-31",
    "target": 3_280_480.5,
    "p_hit": 0.312,
    "p_hit_se": 0.0104,
    "p10": 2_513_000.0,
    "p50": 2_931_000.0,
    "p90": 3_604_000.0,
    "mean": 2_990_000.0,
    "won_to_date": 0.0,
    "gap": 3_280_480.5,
    "rtv": 4_100_000.0,
    "open_value": 4_100_000.0,
    "weighted_value": 2_300_000.0,
    "coverage": 1.25,
    "weighted_coverage": 0.7,
    "funnel_factor": 1.25,
    "wanted": 0.8,
    "wanted_rtv": 5_740_000.0,
    "ideal_factor": 1.75,
    "from_open": 1_240_000.0,
    "from_new": 1_750_000.0,
    "by_month": QUARTER_MONTHS,
    "clients": CLIENTS,
    "single_clients": None,
    "groups": [{"grouping": "owner", "quota": OWNER["quota"], "rows": [OWNER]}],
    "categories": None,
    "decisive_deals": [],
    "checkpoints": [
        {
            "month": "2017-10",
            "by": "2017-10-31",
            "won_if_hit": 990_000.0,
            "won_needed": 1_150_000.0,
            "new_deals_if_hit": 870.0,
            "rtv_if_hit": 3_900_000.0,
            "new_deals": 855.0,
        }
    ],
    "without_overdue": {
        "expected": 44_000.0,
        "p_hit_without": 0.29,
        "p_hit_without_se": 0.01,
        "rtv_without": 2_900_000.0,
        "funnel_factor_without": 0.88,
    },
    "assumed": {"share": 0.004, "most": "new_deals", "stage": None},
    "actual": {"revenue": 2_802_496.0, "hit": False},
}

YEAR: Summary = {
    **QUARTER,
    "period": "2017",
    "start": "2017-01-01",
    "target": 11_319_059.71,
    "p_hit": 0.09,
    "p_hit_se": 0.0064,
    "p10": 9_716_000.0,
    "p50": 10_134_000.0,
    "p90": 10_807_000.0,
    "mean": 10_193_000.0,
    "won_to_date": 7_203_038.0,
    "gap": 4_116_021.71,
    "coverage": 0.996,
    "weighted_coverage": 0.559,
    "funnel_factor": 0.996,
    "ideal_factor": None,
    "wanted_rtv": None,
    "by_month": [past(f"2017-{number:02}", 1_029_005.0) for number in range(3, 10)] + QUARTER_MONTHS,
    "actual": {"revenue": 10_005_534.0, "hit": False},
}

STAGES = (
    "Problem recognised",
    "Impact",
    "Commitment to invest",
    "Criteria",
    "Alternatives",
    "Choice",
    "Closing",
)


def told_levers(*periods: Summary) -> Summary:
    return {"draws": 400, "wanted": 0.8, "every_lever": True, "periods": list(periods)}


def maven() -> Summary:
    """Two periods, one stage, actuals known, two of the three files written."""
    return {
        **copy.deepcopy(MAVEN),
        "periods": [copy.deepcopy(QUARTER), copy.deepcopy(YEAR)],
        "levers": told_levers(changes("2017Q4"), changes("2017")),
    }


def business() -> Summary:
    """Seven stages, a range of days as a period, six months, known amounts and clients, no actuals."""
    summary = maven()
    first, second = copy.deepcopy(QUARTER), copy.deepcopy(QUARTER)
    months = [month(f"2026-{number:02}", 930_000.0 + 1_000 * number) for number in range(1, 7)]
    first.update(period="2026Q1", start="2026-01-01", end="2026-03-31", by_month=months[:3], actual=None)
    second.update(period="2026-01-01..2026-06-30", start="2026-01-01", end="2026-06-30", actual=None)
    second.update(by_month=months, target=5_630_130.0)
    for period in (first, second):
        period["clients"]["unknown"] = False
    times = {"p50": 8.25, "low": 7.75, "high": 8.9}
    stage = {"open": 120, "conversion": {"p50": 0.997, "low": 0.99, "high": 0.999}, "lead_time_days": times}
    summary.update(
        funnel="Buyer's journey",
        currency="EUR",
        origin="2026-01-01",
        periods=[first, second],
        stages=[{"stage": name, **stage} for name in STAGES],
        open={"deals": 612, "viable": 401, "value": 9_870_000.0, "amounts_known": True},
        files={"json": None, "samples": None, "deals": None, "report": None},
        levers=told_levers(
            *(changes(one["period"], STAGES, tuple(m["month"] for m in months)) for one in (first, second))
        ),
    )
    summary["quality"].update(set_aside=0, used=8927, reasons=[])
    return summary


def with_scenarios() -> Summary:
    """Two scenarios, one of them with a name that is a formula, and capacity."""
    summary = maven()
    told = []
    for name, change in (("as it is", 0.0), ("=More", 0.05), ("[red]段階" * 9, -0.05)):
        moved = {"p_hit_change": change, "p_hit_change_se": 0.01 if change else 0.0, "p50_change_se": 9_000.0}
        ranges = dict.fromkeys(("p10_change", "p50_change", "p90_change", "mean_change"), 1000000.0 * change)
        keys = ("period", "p_hit", "p_hit_se", "p10", "p50", "p90", "mean")
        periods = [{**{key: one[key] for key in keys}, **moved, **ranges} for one in summary["periods"]]
        months = [
            {
                **{key: one[key] for key in ("month", "p10", "p50", "p90", "mean")},
                **dict.fromkeys(("p10_change", "p50_change", "p90_change"), 100000.0 * change),
                "deals": 400.0, "capacity": 380.0, "p_backlog": 0.7 + change, "mean_backlog": 25.0,
            }
            for one in QUARTER_MONTHS
        ]  # fmt: skip
        changes = [f"new deals + {100 * change:.0f} %"] if change else []
        told.append({"name": name, "changes": changes, "periods": periods, "months": months})
    capacity = {"of": "deals", "usual": 380.0, "backlog": 0.0}
    summary.update(scenarios={"capacity": capacity, "scenarios": told})
    return summary


def with_width() -> Summary:
    """One period of which nothing varies."""
    summary = maven()
    names = ("parameters", "shocks", "new_deals", "chance")
    first = [{"part": n, "share": s, "share_se": 0.026} for n, s in zip(names, (0.31, 0.6, 0.07, 0.02), strict=True)]
    second = [{"part": name, "share": None, "share_se": None} for name in names]
    told = {"period": "2017Q4", "p10": 2.5e6, "p90": 3.6e6, "sd": 4e5, "parts": first, "narrower_by": 0.17}
    none = {"period": "2017", "p10": 1e7, "p90": 1e7, "sd": 0.0, "parts": second, "narrower_by": None}
    summary.update(width={"draws": 2000, "periods": [told, none]})
    return summary


def reached() -> Summary:
    """The target is won already, so there is no factor; the chance without the largest client is certain."""
    summary = maven()
    period = summary["periods"][0]
    period.update(coverage=None, weighted_coverage=None, funnel_factor=None, ideal_factor=None)
    period.update(
        won_to_date=3_500_000.0, gap=-219_519.5, funnel_factor=None, ideal_factor=None, p_hit=1.0, p_hit_se=0.0001
    )
    period["clients"].update(p_hit_without_largest=1.0, p_hit_without_largest_se=0.0001)
    summary["periods"][1].update(p_hit=0.0, p_hit_se=0.0001)
    new = summary["levers"]["periods"][1]["new_deals"]
    new.update(latest=None, needed_per_month=None)
    summary["levers"]["periods"][1].update(bottleneck=None, reverse=None)
    return summary


def unasked() -> Summary:
    """Nothing was said of what would change it."""
    return {**maven(), "levers": None}


def unhealthy() -> Summary:
    """A fit that failed its check, and no currency."""
    summary = maven()
    summary.update(currency="")
    summary["fit"].update(healthy=False, r_hat=None, ess=12.0)
    summary["fit"]["message"] = "the chains disagree (R-hat 1.31 > 1.05)"
    return summary


def hostile() -> Summary:
    """Names that are markup, commands to the terminal, very long, in wide letters, or missing."""
    summary = maven()
    summary["funnel"] = "[red]x[/red] \x1b[31m" + "long " * 40
    summary["quality"]["reasons"][0]["reason"] = "[bold]" + "why " * 50
    summary["fit"].update(healthy=False, message="[/oops] " * 30)
    summary["stages"][0]["stage"] = "段階" * 40
    summary["stages"].append({**summary["stages"][0], "stage": "<script>"})
    summary["stages"][1]["lead_time_days"] = {"p50": None, "low": None, "high": None}
    summary["files"]["json"] = "/somewhere/" + "deep/" * 40 + "[green]forecast.json"
    summary["periods"][0]["clients"]["largest"] = "[red]x[/red]\x1b[2J\nand more of a very long name"
    summary["periods"][0]["clients"]["sentence"] = "Without [red]x[/red]\x1b[2J\n" + "and more " * 60
    summary["periods"][1]["clients"].update(
        largest=None, p_hit_without_largest=None, p_hit_without_largest_se=None, table=[], rest=None, shares={},
        concentration=None, effective_number=None, critical=None, verdict=None, sentence=None,
    )  # fmt: skip
    third = copy.deepcopy(summary["periods"][0])
    third.update(period="2018", start="2018-01-01", end="2018-12-31", actual=None, groups=[])
    third["by_month"] = [month(f"2018-{number:02}", 9.9e11) for number in range(1, 13)]
    third["clients"]["largest"] = "<script>"
    third["assumed"] = {"share": 0.9, "most": "conversion", "stage": "[red]" + "段階" * 40}
    summary["periods"][1]["assumed"] = None
    summary["periods"].append(third)
    names = ("段階" * 40, "<script>")
    summary["levers"] = told_levers(*(changes(one["period"], names) for one in summary["periods"]))
    return summary


ALL = {one.__name__: one for one in (maven, business, with_scenarios, with_width, reached, unasked, unhealthy, hostile)}
