"""The report says what the answer says, holds all that it needs, and shows words of the data as they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from forecast import plots, report
from forecast.language import speaking
from forecast.report import page
from forecast.words import money, percent
from tests.conftest import Asked
from tests.forecast import summaries
from tests.forecast.answers import hand_made, stage

HOSTILE = "<img src=x onerror=alert(1)></script>"
LARGEST = 6_000_000  # bytes


@pytest.fixture(autouse=True)
def _without_plotly(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five megabytes of script, to be parsed by one test only."""
    if "whole" not in request.fixturenames:
        monkeypatch.setattr(report, "get_plotlyjs", lambda: "/* Plotly */")


@pytest.fixture
def whole() -> None:
    """The page with Plotly's script."""


class Reader(HTMLParser):
    """The tags of a page with their attributes, the text that is read, and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.read: list[str] = []
        self.scripts: list[str] = []
        self.within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.within = tag

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within == "script":
            self.scripts.append(data)
        elif self.within != "style":
            self.read.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.read).split())


def reader(answer: Any, language: str = "en") -> Reader:
    return Reader(page(answer, language))


def test_it_leads_with_the_answer_and_one_figure() -> None:
    answer = hand_made()
    read = reader(answer)
    lead = plots.sentence(answer)
    assert read.text.index("Can Maven hardware sales reach its targets?") < read.text.index(lead)
    assert read.text.index(lead) < read.text.index("What drives it") < read.text.index("What the words mean")
    asked = answer.summary["periods"][0]
    assert percent(asked["p_hit"]) in lead
    for words in ("What really happened in 2017Q4:", "2.80M USD, target missed", money(asked["p10"]), "Kan-code"):
        assert words in read.text
    first = next(script for script in read.scripts if "Plotly.newPlot" in script and len(script) < 1_000_000)
    assert "The chance of 3.20M USD in 2017Q4" in first


@pytest.mark.usefixtures("whole")
def test_it_is_one_small_file_that_asks_for_nothing() -> None:
    text = page(hand_made())
    assert len(text.encode()) < LARGEST
    read = Reader(text)
    for tag, attributes in read.tags:
        assert not {"src", "href", "data", "action"} & set(attributes), tag
        assert tag not in {"link", "iframe", "img", "object", "form"}
        assert not [name for name in attributes if name.startswith("on")]
    policy = next(attributes["content"] for tag, attributes in read.tags if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    # Revenue, fan and tornado of each of two periods, the stages, the clients, and the track record.
    assert text.count("Plotly.newPlot(") == 9


def test_trend_and_record_are_told_where_there_are_any() -> None:
    alone = reader(hand_made().told(record=None)).text
    assert not [words for words in ("How it has moved", "held what happened") if words in alone]
    answer = hand_made()
    asked = answer.summary["periods"][0]
    keys = ("target", "p_hit", "p_hit_se", "p10", "p50", "p90")
    origins = [{"origin": day, **{key: asked[key] for key in keys}} for day in ("2017-08-01", "2017-10-01")]
    moved = [{**{key: asked[key] for key in ("period", "start", "end", "target")}, "origins": origins}]
    read = reader(answer.told(trend=moved))
    assert read.text.index("How it has moved") < read.text.index("Track record: 3 of 4 past")
    figures = "".join(read.scripts)
    assert "on 1 August 2017 to" in figures.replace("<br>", " ").replace("\\u003cbr\\u003e", " ")
    assert "3 of 4 ranges of 80 % held what happened" in figures


def test_names_in_tables_are_whole_and_numbers_on_one_line() -> None:
    assert report.held("24 % (± 1)") == "24\xa0%\xa0(±\xa01)"
    long = "a name of a client that is too long to stay on one line, 24 % of it"
    assert report.held(long) == long.replace("24 %", "24\xa0%")


def test_levers_that_move_nothing_are_a_sentence() -> None:
    answer = hand_made()
    for row in answer.summary["levers"]["periods"][0]["tornado"]:
        row["p_hit_change"] = 0.0
    read = reader(answer)
    assert "No lever, moved by one unit, raises the chance in 2017Q4." in read.text


def test_the_same_answer_gives_the_same_bytes() -> None:
    assert page(hand_made()) == page(hand_made())


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", summaries.ALL)
def test_every_summary_can_be_told(name: str, language: str) -> None:
    summary = summaries.ALL[name]()
    summary.update(
        origin="2017-10-01", periods=summary["periods"][:2]
    )  # whose months have simulations in a hand-made answer
    for period in summary["periods"]:
        period.update(start="2017-10-01", end="2017-12-31", by_month=hand_made().summary["periods"][0]["by_month"])
    text = reader(hand_made().told(**summary), language).text
    assert "None" not in text
    assert "nan" not in text.split()
    if name == "unhealthy":
        assert text.index("Do not rely" if language == "en" else "Ne vous y fiez pas") < text.index("P10")


def test_words_of_the_data_are_never_markup() -> None:
    answer = hand_made().told(funnel=HOSTILE, stages=[stage(HOSTILE, 3, 0.7, 10.0), stage("B", 4, 0.8, 3.0)])
    exits = [
        {"from": HOSTILE, "to": "B", "kind": "advance", "count": 3},
        {"from": "B", "to": HOSTILE, "kind": "back", "count": 1},
    ]
    answer = answer.told(exits=exits)
    for client in answer.summary["periods"][0]["clients"]["table"]:
        client["client"] = HOSTILE
    answer.summary["quality"]["reasons"][0]["reason"] = HOSTILE
    answer.summary["fit"]["worst"] = HOSTILE
    read = reader(answer)
    assert not [tag for tag, _ in read.tags if tag == "img"]
    assert read.text.count("<img src=x onerror=alert(1)>") > 5
    for script in read.scripts:
        if len(script) < 1_000_000:
            assert "<img" not in script
    assert sum(tag == "script" for tag, _ in read.tags) == len(read.scripts)


def test_french_throughout() -> None:
    """No phrase of the English page is left, but words of the data and names that are the same."""
    english, french = page(hand_made()), page(hand_made(), "fr")
    assert '<html lang="fr">' in french
    heads = re.findall("<h2>(.*?)</h2>", english)
    assert len(heads) >= 5
    assert not set(heads) & set(re.findall("<h2>(.*?)</h2>", french))
    with speaking("fr"):
        assert report.held(plots.sentence(hand_made())) in french.replace("&#39;", "’")
    assert "T4 2017" in french
    assert "2017Q4" not in french


def test_a_real_answer(asked: Asked) -> None:
    read = reader(asked.answer)
    for period in asked.answer.summary["periods"]:
        assert percent(period["p_hit"]).replace("<", "less than").replace(">", "more than") in read.text
