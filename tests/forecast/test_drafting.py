import csv
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from forecast.config import config_from, read_config
from forecast.config_data import ROLES
from forecast.drafting import draft
from forecast.errors import FunnelError
from forecast.sources import load
from forecast.synthetic import generate
from forecast.templates import LANGUAGES, names, template
from tests.forecast.companies import SMALL
from tests.forecast.sources.writers import WRITERS, write

ROWS = "id,stage,entered\n1,Interest,2017-01-01\n1,Desire,2017-01-05\n1,Action,2017-01-06\n1,Won,2017-01-09\n"


def test_there_is_a_template_for_every_common_kind_of_funnel() -> None:
    assert names() == ("aarrr", "admissions", "ecommerce", "journey", "sales", "subscription")


@pytest.mark.parametrize("name", names())
def test_a_template_is_a_funnel_file_in_both_languages(name: str, tmp_path: Path) -> None:
    kinds = {language: template(name, language) for language in LANGUAGES}
    assert len({len(one.stages) for one in kinds.values()}) == 1
    for language, one in kinds.items():
        (tmp_path / "funnel.toml").write_text(draft(tmp_path, name, language).text, encoding="utf-8")
        config = read_config(tmp_path / "funnel.toml")
        assert config.funnel.stages == one.stages
        assert config.funnel.viable_from == one.viable_from
        assert dict(config.priors.stages) == one.priors
        assert config.priors.stages.keys() == set(one.stages)
    english, french = (kinds[language].priors.values() for language in LANGUAGES)
    assert list(english) == list(french)


def test_the_buyers_journey_is_viable_from_commitment() -> None:
    assert template("journey").viable_from == "Commitment to invest"
    assert template("journey", "fr").stages[0] == "Problème reconnu"


def test_unknown_templates_and_languages() -> None:
    with pytest.raises(FunnelError, match="there is no template 'journy'\nDid you mean 'journey'"):
        template("journy")
    with pytest.raises(FunnelError, match="not written in 'de'"):
        template("journey", "de")


def test_a_template_orders_the_stages_of_the_data_and_tells_what_it_assumes(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(ROWS + "2,attention,2017-01-02\n")
    (tmp_path / "funnel.toml").write_text(draft(rows, "sales").text)
    config, _ = load(tmp_path)
    assert config.funnel.stages == ("attention", "Interest", "Desire", "Action")  # as the data spell them
    assert config.funnel.viable_from == "Desire"
    assert config.priors.stages["Action"].lead_time == (3, 45)
    rows.write_text(ROWS.replace("Interest", "Intérêt").replace("Desire", "Désir"), encoding="utf-8")
    (tmp_path / "funnel.toml").write_text(draft(rows, "sales").text, encoding="utf-8")
    assert load(tmp_path)[0].funnel.viable_from == "Désir"  # in another language than asked for


def test_a_template_of_other_stages_is_a_comment(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(ROWS)
    text = draft(rows, "journey").text
    assert "# The stages of the template 'journey' are [\"Problem recognised\", " in text
    (tmp_path / "funnel.toml").write_text(text)
    config, _ = load(tmp_path)
    assert config.funnel.stages == ("Interest", "Desire", "Action")
    assert config.priors.stages == {}


def test_priors_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "funnel.toml"
    for prior, told in (
        ("stages.A = { conversion = [0.5, 0.2], lead_time = [1, 2] }", "conversion must go from low to high"),
        ("stages.A = { conversion = [0.5, 1.2], lead_time = [1, 2] }", "less than 1"),
        ("stages.B = { conversion = [0.1, 0.2], lead_time = [1, 2] }", r"\[priors.stages\] 'B' is not an open stage"),
        ("stages.Won = { conversion = [0.1, 0.2], lead_time = [1, 2] }", "'Won' is not an open stage"),
        ("stages.A = { conversion = [0.1, 0.2] }", "field required"),
        ("stages.A = { conversions = [0.1, 0.2] }", r"\[priors.stages.A\] has no key 'conversions'.*\n.*conversion"),
        ("A = { conversion = [0.5, 0.6], lead_time = [1, 2] }", r"\[priors\] has no key 'A'"),
        ("new_deals = [0, 2]", "greater than 0"),
        ("new_deals = [3, 2]", r"new_deals must go from low to high, got \[3, 2\]"),
        ("amount = [2]", r"\[priors.amount\] 1: field required"),
    ):
        path.write_text(f'[funnel]\nstages = ["A"]\n[priors]\n{prior}\n')
        with pytest.raises(FunnelError, match=told):
            read_config(path)


def test_one_funnel_file_for_each_pipeline(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    with rows.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "pipeline", "stage", "entered"])
        for deal in range(6):
            pipeline = ("New", "Renewals")[deal % 2]
            writer.writerows([[deal, pipeline, stage, "2017-01-05"] for stage in ("A", "B"[: deal % 2 + 1], "Won")])
    assert "# To be mended before a forecast is possible:\n#   rows.csv, column 'pipeline': several" in draft(rows).text
    for name in ("New", "Renewals"):
        path = tmp_path / f"{name}.toml"
        path.write_text(draft(rows, pipeline=name).text)
        _, tables = load(path)
        assert len(tables.deals) == 3


@pytest.mark.parametrize("shape", list(WRITERS))
def test_a_draft_of_every_shape_reads_what_the_bare_files_give(shape: str, tmp_path: Path) -> None:
    company = replace(SMALL, months=4, reopen=0.2)
    made = generate(company, 5)
    written = write(tmp_path / "written", company, made, shape)
    source = tomllib.loads((written / "funnel.toml").read_text(encoding="utf-8"))["source"]
    named = {role: written / source[role] for role in ROLES if role in source}
    files = tmp_path / "files"
    files.mkdir()
    for role, path in named.items():  # called as they are found in a folder
        name, _, sheet = path.name.partition("#")
        table = pd.read_excel(written / name, sheet_name=sheet, dtype=str) if sheet else None
        target = files / f"{role}{'.csv' if sheet else path.suffix}"
        target.write_bytes(path.read_bytes()) if table is None else table.to_csv(target, index=False)
    bare, bare_tables = load(files)
    drafted = draft(files)
    assert drafted.trouble is None
    (files / "funnel.toml").write_text(drafted.text, encoding="utf-8")
    config, tables = load(files)
    assert config.funnel.states == bare.funnel.states
    assert config.source.shape == bare.source.shape
    assert tables.known == bare_tables.known
    assert tables.columns == bare_tables.columns
    assert tables.ledger == bare_tables.ledger
    pd.testing.assert_frame_equal(tables.deals, bare_tables.deals)
    pd.testing.assert_frame_equal(tables.stage_history, bare_tables.stage_history)


def test_the_draft_of_a_refused_log_does_not_disarm_the_refusal(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    moved = "".join(f"{n},Lead,2017-01-05\n{n},{'Won' if n % 2 else 'Kaput'},2017-02-05\n" for n in range(20))
    rows.write_text("id,stage,entered\n" + moved)
    drafted = draft(rows)
    assert "no stage is called lost" in str(drafted.trouble)
    assert (drafted.seen, '\n# lost = "Lost"' in drafted.text) == (None, True)
    (tmp_path / "funnel.toml").write_text(drafted.text)
    with pytest.raises(FunnelError, match="no stage is called lost, but some are hardly ever left"):
        load(tmp_path)


def test_a_draft_elsewhere_leads_to_the_rows(tmp_path: Path) -> None:
    rows, elsewhere = tmp_path / "data" / "rows.csv", tmp_path / "plans" / "north"
    rows.parent.mkdir()
    elsewhere.mkdir(parents=True)
    rows.write_text(ROWS)
    text = draft(rows, folder=elsewhere).text
    assert 'deals = "../../data/rows.csv"' in text
    (elsewhere / "funnel.toml").write_text(text)
    assert load(elsewhere)[0].funnel.stages == ("Interest", "Desire", "Action")


def test_the_period_of_a_draft_begins_when_the_question_is_asked(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(ROWS.replace("2017-01", "2017-11"))
    config = config_from(tomllib.loads(re.sub(r"(?m)^# (?=origin|\[\[f|period|target)", "", draft(rows).text)))
    assert config.forecast.origin in config.periods()[0][0]


def test_a_template_alone_reads_tables_that_are_there(tmp_path: Path) -> None:
    assert draft(tmp_path, "sales").seen is None
    (tmp_path / "deals.csv").write_text(ROWS)
    drafted = draft(tmp_path, "sales")
    assert 'deals = "deals.csv"' in drafted.text
    (tmp_path / "funnel.toml").write_text(drafted.text)
    config, _ = load(tmp_path)
    assert (config.funnel.stages, config.funnel.viable_from) == (("Interest", "Desire", "Action"), "Desire")
