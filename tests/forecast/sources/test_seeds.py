"""The layouts in which a connector lands the two CRMs, as its own test data have them (hashed, tens of rows)."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.sources import Config, Tables, load

SEEDS = Path(os.environ.get("FUNNEL_DATA", "/nowhere")) / "crm_schemas"
pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="FUNNEL_DATA does not lead to crm_schemas")


def loaded(folder: Path, source: str, *files: str, funnel: str = "") -> tuple[Config, Tables]:
    for name in files:
        if not (folder / name).exists():
            shutil.copy(SEEDS / name, folder / name)
    (folder / "funnel.toml").write_text(f"{funnel}\n[source]\n{source}", encoding="utf-8")
    return load(folder)


def reasons(tables: Tables) -> dict[tuple[str, str], int]:
    return {(entry.file, entry.reason): entry.count for entry in tables.ledger.entries if entry.set_aside}


def test_versions_of_opportunities(tmp_path: Path) -> None:
    """All are marked as deleted; most were closed before the connector first saw them."""
    source = 'deals = "sf_opportunity_history_data.csv"\n'
    with pytest.raises(FunnelError, match="no usable row is left; most were set aside because: deleted"):
        loaded(tmp_path, source, "sf_opportunity_history_data.csv")
    config, tables = loaded(tmp_path, source + "keep_deleted = true", "sf_opportunity_history_data.csv")
    assert config.source.shape == "versions"
    # Won and lost are told by the flags, for the names of the stages are hashes.
    assert (config.funnel.won, config.funnel.lost) == ("GavUFuuf4DrnQAoiRGlWpQ==", "tXi3M8u3iPxq0ggxTSxMKw==")
    history = tables.stage_history.set_index("deal_id")
    assert str(history.loc["006q000000HK8jdAAD", "entered"]) == "2018-11-21 00:00:00"  # closed, not first seen
    assert history["entered"].max() < pd.Timestamp("2020-01-01")  # not the open end of 9999
    (entry,) = (entry for entry in tables.ledger.entries if entry.set_aside)
    assert (entry.count, "entered before it was created" in entry.reason) == (1, True)
    assert (tables.ledger.read, tables.ledger.used) == (10, 9)


def test_opportunities_alone_are_created_and_closed(tmp_path: Path) -> None:
    source = 'deals = "sf_opportunity_data.csv"\naccounts = "sf_account_data.csv"\nkeep_deleted = true'
    config, tables = loaded(tmp_path, source, "sf_opportunity_data.csv", "sf_account_data.csv")
    assert config.source.shape == "closed_only"
    assert len(tables.deals) + tables.ledger.files[0].set_aside == 10
    assert tables.stage_history["stage"].value_counts()[config.funnel.won] == 4


def test_stage_ids_of_hubspot_become_labels(tmp_path: Path) -> None:
    """DEAL_STAGE has ids as hexadecimal hashes, DEAL_PIPELINE_STAGE the same ones in base 64."""
    labels = pd.read_csv(SEEDS / "deal_pipeline_stage_data.csv", dtype=str)
    labels["stage_id"] = [base64.b64decode(one).hex() for one in labels["stage_id"]]
    labels.to_csv(tmp_path / "deal_pipeline_stage_data.csv", index=False)
    source = 'stage_history = "deal_stage_data.csv"\nstage_labels = "deal_pipeline_stage_data.csv"\n'
    config, tables = loaded(tmp_path, source, "deal_stage_data.csv")
    assert config.source.shape == "hubspot_history"
    assert set(tables.stage_history["stage"]) <= set(labels["label"])
    assert (len(tables.deals), tables.ledger.set_aside) == (14, 0)
    assert tables.stage_history["entered"].max() < pd.Timestamp("2021-02-01")  # not the open end of 2050


def test_merged_deals_are_left_out(tmp_path: Path) -> None:
    """None of the merged ones is among the stages of the seed: six of them are given some."""
    stages = pd.read_csv(SEEDS / "deal_stage_data.csv", dtype=str)
    merged = pd.read_csv(SEEDS / "merged_deal_data.csv", dtype=str)
    ids = [*merged["merged_deal_id"][:5], merged["deal_id"].iloc[0]]
    more = stages.iloc[:6].assign(deal_id=ids)
    pd.concat([stages, more]).to_csv(tmp_path / "deal_stage_data.csv", index=False)
    source = 'stage_history = "deal_stage_data.csv"\nmerged = "merged_deal_data.csv"\n'
    _, tables = loaded(tmp_path, source, "merged_deal_data.csv")
    assert reasons(tables) == {("deal_stage_data.csv", "merged into another deal"): 5}
    assert len(tables.deals) == 15
    assert merged["deal_id"].iloc[0] in set(tables.deals["deal_id"])


def test_tables_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    source = 'deals = "deal_data.csv"\nstage_history = "deal_stage_data.csv"\n'
    with pytest.raises(FunnelError, match=r"no usable row is left.*no usable stage in deal_stage_data.csv"):
        loaded(tmp_path, source, "deal_data.csv", "deal_stage_data.csv")
