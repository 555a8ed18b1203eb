"""Five thousand malformed tables in every shape: a FunnelError or Tables, never another exception, no row lost."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from forecast import setup
from forecast.errors import FunnelError
from forecast.sources import load
from tests.forecast.sources.test_never_lost import AMOUNTS, DATES, NAMES, is_short

ROUNDS, CASES = 25, 200  # 5,000 in all, the first rounds in every run of the tests
EVERY_TIME = 4
IDS = ["1", "2", "3", "4", "5", "6", "7", "8", "1.0", "007", "006q000000HK8jd", "006q000000HK8jdAAD", "ü", ""]
STAGES = ["A", "B", "C", "Won", "Lost", "won", "", "Dead", "12", "Nowhere", "a", "Closed Won", "GAGNÉ", "perdu", "12.0"]
FLAGS = ["false", "true", "", "TRUE", "0", "maybe"]
FIELDS = ["StageName", "Amount", "dealstage", "amount", "Owner", "CloseDate", "Probability", "ForecastCategoryName", ""]
CHANCES = ["10", "50", "90 %", "0.5", "100", "-1", "often", ""]
CATEGORIES = ["Pipeline", "Best Case", "Commit", "Closed", "", "Omitted"]
ANY = [*NAMES, *DATES, *AMOUNTS]
CELLS = {
    "id": IDS, "deal_id": IDS, "OpportunityId": IDS, "case:concept:name": IDS, "object_id": IDS, "merged_deal_id": IDS,
    "stage_id": STAGES, "stage": STAGES, "StageName": STAGES, "concept:name": STAGES, "value": STAGES, "label": STAGES,
    "OldValue": STAGES, "NewValue": STAGES, "status": STAGES, "dealstage": STAGES, "amount": AMOUNTS,
    "Amount": AMOUNTS, "currency": ["EUR", "EUR", "EUR", "USD", ""], "Field": FIELDS, "property_name": FIELDS,
    "is_deleted": FLAGS, "is_won": FLAGS, "is_closed": FLAGS, "pipeline": ["p", "p", "p", "q", ""],
    "lifecycle:transition": ["complete", "start", "", "ate_abort"], "client": NAMES, "owner": NAMES,
    "Probability": CHANCES, "probability": CHANCES, "ForecastCategory": CATEGORIES, "forecast_category": CATEGORIES,
    "Étape": STAGES, "Client": NAMES, "Montant": AMOUNTS, "N° affaire": IDS,
    "display_order": ["0", "1", "x", ""], "Name": NAMES, "ParentId": IDS,
}  # fmt: skip
SHAPES: tuple[dict[str, str], ...] = (
    {"deals": "deal_id stage entered amount client"},
    {"deals": "deal_id created amount owner", "stage_history": "deal_id stage entered amount"},
    {"deals": "deal_id created closed status amount"},
    {"deals": "deal_id created date_entered_A date_entered_B closed status amount"},
    {"deals": "case:concept:name concept:name time:timestamp lifecycle:transition"},
    {"deals": "deal_id snapshot_date stage amount created close_date probability"},
    {"deals": "N° affaire;Date de création;Date de clôture;Étape;Montant;Client"},
    {"deals": "id stage amount created_date close_date is_won is_closed is_deleted _fivetran_start"},
    {
        "deals": "id CreatedDate Amount CloseDate Probability",
        "stage_history": "OpportunityId StageName Amount CreatedDate CloseDate Probability ForecastCategory",
    },
    {
        "deals": "id CreatedDate StageName CloseDate Amount Probability",
        "stage_history": "OpportunityId Field OldValue NewValue CreatedDate",
    },
    {"deals": "deal_id dealstage createdate closedate hs_v2_date_entered_A hs_v2_date_entered_Won pipeline"},
    {
        "deals": "deal_id property_createdate property_amount is_deleted pipeline",
        "stage_history": "deal_id value date_entered",
        "stage_labels": "stage_id label display_order is_closed is_won",
        "merged": "deal_id merged_deal_id",
    },
    {"stage_history": "object_id property_name value timestamp"},
    {"deals": "id client created stage closed", "accounts": "id Name ParentId"},
)
DATE_LIKE = ("date", "created", "closed", "entered", "timestamp", "_fivetran_start")


GOOD = {
    id(IDS): 8,
    id(STAGES): 6,
    id(CHANCES): 5,
    id(CATEGORIES): 4,
    id(FLAGS): 3,
    id(FIELDS): 4,
    id(NAMES): 3,
    id(AMOUNTS): 2,
    id(DATES): 5,
}


def cells_of(name: str) -> list[str]:
    if name in CELLS:
        return CELLS[name]
    return DATES if any(part in name.casefold() for part in DATE_LIKE) else ANY


def table(random: np.random.Generator, header: list[str]) -> list[list[str]]:
    """Rows whose cells are mostly good, or drawn from everything that a column may hold."""
    good, many = random.choice([1.0, 0.95, 0.6]), int(random.integers(0, 25))
    unique = header[0] in ("deal_id", "id", "N° affaire") and random.random() < 0.5
    rows = []
    for number in range(many):
        row = []
        for name in header:
            cells = cells_of(name)
            fine = GOOD.get(id(cells), 4) if random.random() < good else len(cells)
            row.append(cells[int(random.integers(fine))])
        if unique and random.random() < 0.95:
            row[0] = str(number + 1)
        if random.random() < 0.01:
            row = [*row, "more"] if random.random() < 0.5 else row[:-1]
        rows.append(row)
    return rows


def case(random: np.random.Generator, folder: Path) -> dict[str, int]:
    """Write one folder of tables with a funnel file; return the number of rows by file."""
    shape = SHAPES[int(random.integers(len(SHAPES)))]
    rows_of, named = {}, []
    for role, columns in shape.items():
        header = [name for name in columns.split(";" if ";" in columns else None) if random.random() < 0.97]
        header += [name for name in random.choice(list(CELLS), 2) if name not in header and random.random() < 0.1]
        rows = table(random, header) if header else []
        name = f"{role}.csv"
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header, *rows])
        rows_of[name] = sum(1 for row in rows if row)
        named.append(f'{role} = "{name}"')
    options = ["merge_clients = true", "keep_deleted = true", 'pipeline = "*"', 'pipeline = "p"', "day_first = true"]
    options += ['timezone = "Asia/Tokyo"', 'decimal = ","']
    chosen = [one for one in random.choice(options, 2, replace=False) if random.random() < 0.3]
    chosen = [one for one in chosen if not (one.startswith("pipeline") and any("pipeline" in c for c in chosen[:-1]))]
    head = '[funnel]\nstages = ["A", "B", "C"]\n' if random.random() < 0.3 else ""
    (folder / "funnel.toml").write_text(
        "\n".join([head + "[source]", *named, *dict.fromkeys(chosen)]), encoding="utf-8"
    )
    return rows_of


LATER = [pytest.param(seed, marks=pytest.mark.calibration) for seed in range(EVERY_TIME, ROUNDS)]


@pytest.mark.parametrize("seed", [*range(EVERY_TIME), *LATER])
def test_no_traceback_and_no_row_lost(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    read = 0
    for _ in range(CASES):
        rows_of = case(random, tmp_path)
        try:
            config, tables = load(tmp_path)
        except FunnelError as error:
            is_short(error)
            continue
        read += 1
        if read % 10 == 0:
            setup.understood(config, tables)
        for file in tables.ledger.files:
            assert file.read == rows_of[file.file] == file.used + file.set_aside
            told = sum(e.count for e in tables.ledger.entries if e.file == file.file and e.set_aside)
            assert told == file.set_aside
    assert read > CASES / 20  # there is something to lose
