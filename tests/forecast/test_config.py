from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from forecast.config import Config, config_from, read_config
from forecast.config_data import Known
from forecast.errors import FunnelError

FULL = """
[funnel]
name = "Ours"
currency = "EUR"
stages = ["First", "Second"]
viable_from = "Second"
fiscal_year_starts = 4
[source]
shape = "stage_dates"
deals = "deals.csv"
[source.columns]
deal_id = "no."
[source.stage_dates]
First = "day one"
[source.outcome]
column = "how"
date = "when"
[[source.join]]
file = "teams.csv"
on = "owner"
columns = ["team"]
[source.replace.product]
"GTXPro" = "GTX Pro"
[known]
amount = "close"
[recording]
from = 2017-03-01
until = 2017-12-31
[model]
attributes = ["owner"]
[forecast]
origin = 2017-10-01
draws = 500
seed = 7
[[forecast.periods]]
period = "2018Q1"
target = 3280598.0
[[forecast.periods]]
period = 2018
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "funnel.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything(tmp_path: Path) -> None:
    config = read_config(file(tmp_path, FULL))
    assert config.folder == tmp_path
    assert config.funnel.states == ("First", "Second", "Won", "Lost")
    assert config.source.join[0].columns == {"team": "team"}
    assert config.known == {"amount": Known.CLOSE}
    assert config.recording.from_ == date(2017, 3, 1)
    quarter, year = config.periods()
    assert (quarter[0].start, quarter[1]) == (date(2017, 4, 1), 3280598.0)
    assert (year[0].end, year[1]) == (date(2018, 3, 31), None)


def test_nothing_need_be_said(tmp_path: Path) -> None:
    config = read_config(file(tmp_path, ""))
    assert config.funnel.states == ("Won", "Lost")
    assert config.forecast.draws == 2000
    assert config.model.attributes is None


def test_frozen() -> None:
    config = Config()
    with pytest.raises(ValidationError):
        config.funnel.name = "other"  # type: ignore[misc]
    assert config.with_funnel(won="Gained").funnel.won == "Gained"
    assert config.funnel.won == "Won"


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("", 2)])
def test_minor_digits(currency: str, digits: int) -> None:
    assert config_from({"funnel": {"currency": currency}}).funnel.minor_digits == digits


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[funnel]\nstagess = ["a"]', r"\[funnel\] has no key 'stagess'\nDid you mean 'stages'\?"),
        ("[fun]\n", r"has no key 'fun'\nDid you mean 'funnel'\?"),
        ("[recording]\nfrm = 2017-01-01", "has no key 'frm'\nDid you mean 'from'"),
        (
            '[[source.join]]\nfile = "a"\non = "b"\ncolumns = []\nkeyy = "z"',
            "has no key 'keyy'\nDid you mean 'key'",
        ),
        (
            '[source.outcome]\ncolum = "x"\ndate = "y"',
            r"\[source.outcome\] has no key 'colum'\nDid you mean 'column'",
        ),
        ("[funnel]\nname =\n", r"not valid TOML: .*line 2"),
        ('[funnel]\ncurrency = "euro"', "currency: write the three letters of its code"),
        ('[funnel]\nstages = ["A", "A"]', "must all have different names"),
        ('[funnel]\nstages = ["A", "Won"]', "must all have different names"),
        ('[funnel]\nstages = ["Alpha"]\nviable_from = "Alfa"', "viable_from 'Alfa' .* Did you mean 'Alpha'"),
        ('[funnel]\nstages = ["A"]\n[source.stage_dates]\nB = "b"', "'B' is not a stage"),
        ('[known]\namount = "later"', r"\[known\] amount: .*got 'later'"),
        ("[recording]\nfrom = 2017-02-01\nuntil = 2017-01-01", "is before from"),
        ('[[forecast.periods]]\nperiod = "2017Q9"', "'2017Q9' is not a period"),
        ('[[forecast.periods]]\nperiod = "2017"\ntarget = "much"', "target: .*got 'much'"),
        ('[[forecast.periods]]\nperiod = "2017"\ntarget = -1', "target: .*got -1"),
        ('[[forecast.periods]]\nperiod = "2017"\ntarget = nan', "target: "),
        ("[forecast]\ndraws = 0", r"\[forecast\] draws: .*got 0"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FunnelError, match=told) as caught:
        read_config(file(tmp_path, text))
    assert "funnel.toml" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_missing_and_not_text(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match="no such file"):
        read_config(tmp_path / "funnel.toml")
    (tmp_path / "funnel.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(FunnelError, match="not UTF-8"):
        read_config(tmp_path / "funnel.toml")
