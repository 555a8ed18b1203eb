from pathlib import Path

import pandas as pd
import pytest

from forecast.config import Config
from forecast.config_data import FunnelSection
from forecast.grades import Verdict, judged
from forecast.setup import understood
from forecast.sources import load
from forecast.sources.tables import Known
from tests.forecast.histories import tables

MAVEN = Path(__file__).parents[2] / "forecast" / "samples" / "maven"
CONFIG = Config(funnel=FunnelSection(stages=("A", "B")))


def rows(moved: int, amount: float = 100.0) -> list[tuple[str, str, str, float]]:
    """Deals that pass A in one to `moved` days, and are won the day after."""
    begin = pd.Timestamp("2020-01-01")
    made = []
    for n in range(moved):
        for stage, day in (("A", 0), ("B", n + 1), ("Won", n + 2)):
            made.append((f"M{n:02d}", stage, str(begin + pd.Timedelta(days=day)), amount))
    return made


def test_overdue_deals_are_older_than_most_that_moved_on() -> None:
    still = [("Y1", "A", "2020-03-01", 40.0), ("Z1", "A", "2020-01-01", 70.0), ("Z2", "A", "2020-01-03", 90.0)]
    _, (overdue,) = judged(CONFIG, tables([*rows(40), *still], until="2020-04-01"))
    # Stays of 1 to 40 days: the 90 % point of them lies at 1 + 0.9 * 39 days.
    assert overdue.limit == pytest.approx(1 + 0.9 * 39)
    assert (overdue.stage, overdue.deals, overdue.value, overdue.estimated) == ("A", 2, 160.0, False)
    assert overdue.examples == ("Z2 (88 days)", "Z1 (90 days)")


def test_the_value_of_overdue_deals_without_an_amount_is_estimated() -> None:
    made = tables([*rows(40), ("Z1", "A", "2020-01-01")], until="2020-04-01")
    _, (overdue,) = judged(CONFIG, made)
    assert (overdue.value, overdue.estimated) == (100.0, True)


def test_too_few_moves_tell_nothing_usual() -> None:
    grades, overdue = judged(CONFIG, tables([*rows(19), ("Z1", "A", "2020-01-01", 5.0)], until="2020-06-01"))
    assert overdue == ()
    assert {grade.question: grade.verdict for grade in grades}["Which deals are overdue?"] is Verdict.NO


def test_grades_say_what_is_lacking() -> None:
    grades = {grade.question: grade for grade in understood(*load(MAVEN)).grades}
    verdicts = {question: grade.verdict.value for question, grade in grades.items()}
    assert verdicts["Will the period's target be reached? What revenue to plan?"] == "yes"
    assert verdicts["Is there a season?"] == "no"
    assert verdicts["On which clients does it depend?"] == "partly"
    assert "'close'" in grades["On which clients does it depend?"].because
    assert "0 % of the open deals have an amount" in " ".join(grade.because for grade in grades.values())


@pytest.mark.parametrize(("wins", "verdict"), [(100, Verdict.YES), (99, Verdict.PARTLY), (9, Verdict.NO)])
def test_few_wins_make_a_weak_answer(wins: int, verdict: Verdict) -> None:
    made = [
        (f"{n:03d}", stage, day, 5.0)
        for n in range(wins)
        for stage, day in (("A", "2020-01-01"), ("Won", "2020-02-01"))
    ]
    grades, _ = judged(CONFIG, tables(made))
    assert grades[0].verdict is verdict


def test_known_late_is_known_partly() -> None:
    made = tables(rows(5), known={"client": Known.WIN}, client="X")
    grades, _ = judged(CONFIG, made)
    assert {g.question: g.verdict for g in grades}["On which clients does it depend?"] is Verdict.PARTLY


def test_all_that_was_found_as_one_table() -> None:
    table = understood(*load(MAVEN)).table()
    assert set(table["kind"]) == {"set aside", "rows", "column", "question", "overdue deals"}
    rows = table[table["kind"].eq("rows")].pivot_table(index="file", columns="what", values="count", aggfunc="sum")
    assert (rows["read"] == rows["used"] + rows["set aside"]).all()
    assert rows.sum().to_dict() == {"read": 8927, "used": 8427, "set aside": 500}
