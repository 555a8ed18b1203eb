"""What the rows are read from: files beside the funnel file, or tables and queries of a database."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from forecast.config import Config
from forecast.config_data import ROLES
from forecast.errors import FunnelError
from forecast.sources.names import simplified
from forecast.sources.readers import SUFFIXES, Raw, read_table

# What tables are called by those who export them, by the part they play; the most telling first.
NAMES = {
    "deals": "deals, deal, opportunities, opportunity, deal data, opportunity data",
    "stage_history": "stage history, opportunity history, opportunity history data, deal stage, deal stage data, "
    "opportunity field history, deal property history, deal property history data, deals property history, "
    "snapshots, snapshot, event log, events",
    "stage_labels": "stage labels, deal pipeline stage, deal pipeline stages, deal pipeline stage data, "
    "pipelines deals stages, opportunity stage, opportunity stages",
    "pipelines": "pipelines, deal pipeline, deal pipelines, deal pipeline data, pipelines deals",
    "accounts": "accounts, account, account data, companies, company, company data",
    "merged": "merged deals, merged deal, merged deal data",
}

Inputs = Mapping[str, Raw]


def read_all(config: Config) -> Inputs:
    """The tables that the funnel file names, by the part they play."""
    named = config.source.tables
    if not {"deals", "stage_history"} & named.keys():
        remedy = 'Write deals = "FILE.csv" under [source]; stage_history = "FILE.csv" as well if there is one.'
        raise FunnelError("[source] names no file", file=config.path, remedy=remedy)
    if named.get("deals") == named.get("stage_history"):
        named.pop("deals")
    return {role: read(config, name) for role, name in named.items()}


def read(config: Config, name: str) -> Raw:
    """A file beside the funnel file, or a table or query of the database."""
    if config.source.database is None:
        if unset := re.findall(r"\$\{?(\w+)", os.path.expandvars(name)):
            remedy = f"Set it, as in: export {unset[0]}=/folder/of/the/data"
            raise FunnelError(f"the environment variable {unset[0]} is not set", file=config.path, remedy=remedy)
        return read_table(config.path_of(name))
    from forecast.sources.sql import read_query  # SQLAlchemy is an extra

    return read_query(config.source.database, name, file=config.path)


def rows_of_history(tables: Inputs, names: tuple[str, ...]) -> Raw | None:
    """The stage rows; or the only table, where ids (a column called as `names` say) occur in several of its rows."""
    if "stage_history" in tables:
        return tables["stage_history"]
    raw = tables["deals"]
    keys = [column for column in raw.frame.columns if simplified(column) in names]
    return raw if keys and raw.frame[keys[0]].duplicated().any() else None


def found_in(folder: Path) -> dict[str, str]:
    """Role -> name of the file in a folder that is called as such tables are."""
    there = {simplified(path.stem): path.name for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}
    short = {re.sub("^(?:sf|hs|salesforce|hubspot) ", "", words): name for words, name in there.items()}
    found = {}
    for role in ROLES:
        for words in NAMES[role].split(", "):
            if words in there or words in short:
                found[role] = there.get(words) or short[words]
                break
    return found
