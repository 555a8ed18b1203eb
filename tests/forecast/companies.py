"""Made-up companies as files that `load` reads, and the answer to one question about a small one."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path

import nutpie
import pytest

from forecast.answer import Answer, ask
from forecast.kept import kept_for
from forecast.models import sampling
from forecast.outputs import write_parquet
from forecast.question import question_from
from forecast.sources import load
from forecast.synthetic import Company, Generated, Segment, Stage, Team, generate

ORIGIN = date(2024, 4, 10)
# One that is partly past, one that begins and ends within months and overlaps it, one beyond the records.
PERIODS = {"2024Q2": 900_000.0, "2024-04-20..2024-05-15": 300_000.0, "2024": 2_500_000.0}
DRAWS = 1000

SMALL = Company(
    name="A small company",
    stages=(
        Stage("Talk", conversion=0.6, median=12.0, lost_median=20.0),
        Stage("Offer", conversion=0.55, median=15.0, lost_median=25.0, back=0.1),
    ),
    start=date(2023, 1, 1),
    months=18,
    arrivals=30.0,
    teams=(Team("East", "East", 2), Team("West", "West", 2)),
    segments=(Segment("Large", 0.4, 30_000.0), Segment("Small", 0.6, 12_000.0)),
    clients=5,
    revision=0.2,
    attributes=("owner", "segment"),
)

# The client is known at the close only, the segment overwritten; amounts at creation, with dated changes.
KNOWN = '[known]\nclient = "close"\nsegment = "overwritten"\n'


def small() -> Generated:
    return generate(SMALL, 3)


def write_company(folder: Path, company: Company, made: Generated, known: str = "") -> Path:
    """The canonical files of a company, and the funnel file that asks about PERIODS; the folder of them."""
    folder.mkdir(parents=True, exist_ok=True)
    made.deals.to_csv(folder / "deals.csv", index=False)
    made.stage_history.to_csv(folder / "stage_history.csv", index=False)
    stages = ", ".join(f'"{stage.name}"' for stage in company.stages)
    until = company.start + timedelta(days=company.end_day - company.first_day - 1)
    asked = "".join(f'[[forecast.periods]]\nperiod = "{p}"\ntarget = {t}\n' for p, t in PERIODS.items())
    (folder / "funnel.toml").write_text(
        f'[funnel]\nname = "{company.name}"\ncurrency = "EUR"\nstages = [{stages}]\n'
        f'viable_from = "{company.stages[-1].name}"\n'
        '[source]\nshape = "canonical"\ndeals = "deals.csv"\nstage_history = "stage_history.csv"\n'
        f"{known}[recording]\nfrom = {company.start}\nuntil = {until}\n"
        f"[forecast]\norigin = {ORIGIN}\ndraws = {DRAWS}\n{asked}"
    )
    return folder


def answered(folder: Path, *, seed: int = 1, threads: int = 2) -> Answer:
    """The answer of `folder`, with `threads` threads for sampling and for simulating."""
    config, tables = load(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling.nutpie, "sample", partial(nutpie.sample, cores=threads))
        question = question_from(config, tables, seed=seed)
        return ask(config, tables, question, threads=threads, deal_detail=True)


def keep_fit(answer: Answer, folder: Path, draws: int = DRAWS) -> Answer:
    """Keep the fit of an answer for a folder of the same deals, whatever their clients are called there, so that
    commands and notebooks need not fit; the answer there.
    """
    config, tables = load(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.kept.fit", lambda history, *_, **__: answer.fit.with_history(history))
        return ask(config, tables, question_from(config, tables, draws=draws), fits=kept_for(config), levers=False)


def sample_bytes(answer: Answer, folder: Path) -> bytes:
    """The content of the file that --samples writes."""
    path = folder / "samples.parquet"
    write_parquet(path, answer.samples())
    return path.read_bytes()
