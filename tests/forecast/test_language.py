"""Every phrase that the code tells has its translation."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from forecast import language
from forecast.config import Config
from forecast.config_asked import Joining, ScenarioSection
from forecast.errors import FunnelError
from forecast.fit import Health
from forecast.language import LANGUAGES, catalogue, heard, heard_phrases, say, speaking
from forecast.scenarios import in_words
from forecast.words import brief, called, chance, day, exact, horizon, money, month, percent, span, with_unit
from tests.forecast import phrases

OTHERS = [code for code in LANGUAGES if code != language.ENGLISH]
# The same in both languages.
ALIKE = {
    "Client", "Viable, RTV", "client", "page", "points", "questions", "simulations", "viable",
    "{points} points (± {error}), P50 {amount}", "conversion of {stage} {points} points",
}  # fmt: skip


@pytest.mark.parametrize("code", OTHERS)
def test_each_phrase_has_a_translation_and_each_translation_its_phrase(code: str) -> None:
    told, known = phrases.told(), catalogue(code)
    assert len(told) > 80
    assert [phrase for phrase in told if phrase not in known] == []
    assert [phrase for phrase in known if phrase not in told] == []


@pytest.mark.parametrize("code", OTHERS)
def test_translations_hold_the_same_values(code: str) -> None:
    for phrase, translated in (*catalogue(code).items(), *heard_phrases(code).items()):
        assert phrases.names(translated) == phrases.names(phrase), phrase
        assert translated.count("|") == phrase.count("|"), phrase
        assert translated != phrase or phrase in ALIKE, phrase


def test_french_signs_are_held_by_hard_blanks() -> None:
    soft = [
        text
        for text in (*catalogue("fr").values(), *heard_phrases("fr").values())
        if re.search(r" [:;?!%»]|« |\w'", text)
    ]
    assert soft == []


@pytest.mark.parametrize("code", OTHERS)
def test_reasons_and_remarks_of_answers_are_heard(code: str) -> None:
    reasons = phrases.reasons()
    assert len(reasons) > 30
    with speaking(code):
        assert [reason for reason in reasons if heard(reason) == reason] == []
        health = Health(1.004, 512.3, 0, 2000, 60, 1, 3.0, "Offer, losses in 2024-03: 28 seen, 7 to 27 expected")
        for told in (health.told(), health.worst, replace(health, worst="").told()):
            assert heard(told) != told
            assert not {"sampled", "seen", "expected", "losses", "off"} & set(re.findall("[a-z]+", heard(told)))
        section = ScenarioSection(
            conversion={"A": 0.05}, lead_time={"A": -0.1}, new_deals=0.1, amount=0.1, price=0.1, elasticity=-1.0,
            lost_clients=("X",), leave=("Y",),
            join=(Joining(month="2025-01"), Joining(month="2025-01", sellers=2, ramp_months=3)),
        )  # fmt: skip
        changes = [*in_words(section, Config()), *in_words(ScenarioSection(new_deals_per_month=40), Config())]
        assert len(changes) == 11
        assert [change for change in changes if heard(change) == change and not change.startswith("conversion")] == []
        assert heard("what nobody has put into words") == "what nobody has put into words"
    assert heard("no stage") == "no stage"


def test_the_language_ends_with_its_block() -> None:
    with speaking("fr"):
        with speaking("en"):
            assert say("Won") == "Won"
        assert say("Won") == "Gagné"
        assert say("Words of the data, {as} they are") == "Words of the data, {as} they are"
    assert say("Won") == "Won"
    with pytest.raises(FunnelError, match="no language 'de'"), speaking("de"):
        pass


def test_numbers_days_and_money_in_french() -> None:
    with speaking("fr"):
        assert money(3_280_480.5) == "3,28\xa0M"
        assert with_unit(money(3_280_480.5), "EUR") == "3,28\xa0M€"
        assert with_unit(money(950.0), "EUR") == "950\xa0€"
        assert with_unit(money(950.0), "") == "950"
        assert money(1.234e9) == "1,23\xa0Md"
        assert brief(2_500_000) == "2,5\xa0M"
        assert exact(3_280_480.5) == "3\u202f280\u202f480,50"
        assert exact(1_000.0) == "1\u202f000"
        assert percent(0.551) == "55\xa0%"
        assert percent(0.0) == "<\xa01\xa0%"
        assert chance(0.5, 0.004) == "50\xa0% (± 0,4)"
        assert day("2017-10-01") == "1er octobre 2017"
        assert day("2017-10-21") == "21 octobre 2017"
        assert span("2017-10-01", "2017-12-31") == "1er octobre au 31 décembre 2017"
        assert month("2017-02") == "févr. 2017"
        assert called("2017Q4") == "T4 2017"
        assert (called("2017"), called("2017-10")) == ("2017", "2017-10")
        assert horizon("quarter") == "le reste du trimestre"
        assert (horizon("1w"), horizon("4w")) == ("1 semaine", "4 semaines")
    assert called("2026-01-10..2026-06-30") == "2026-01-10 to 2026-06-30"
    assert called("2026-01-01..2026-06-29") == "2026-01-01 to 2026-06-29"
    assert called("2026-01-01..2026-06-30") == "Jan to Jun 2026"
    assert called("2025-10-01..2026-02-28") == "Oct 2025 to Feb 2026"
    assert called("2017Q4") == "2017Q4"
