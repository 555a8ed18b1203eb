"""The loan applications of BPI Challenge 2012 as a funnel of five stages: its event log in canonical files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

STAGES = {
    "A_SUBMITTED": "Submitted",
    "A_PREACCEPTED": "Preaccepted",
    "A_ACCEPTED": "Accepted",
    "O_SENT": "Sent",
    "O_SENT_BACK": "Sent back",
    "A_APPROVED": "Won",
    "A_ACTIVATED": "Won",
    "A_REGISTERED": "Won",
    "A_DECLINED": "Lost",
    "A_CANCELLED": "Lost",
}
FUNNEL = """[funnel]
name = "Loan applications"
currency = "EUR"
stages = ["Submitted", "Preaccepted", "Accepted", "Sent", "Sent back"]
viable_from = "Sent"

[source]
deals = "deals.csv"
stage_history = "stage_history.csv"

[known]
amount = "creation"

# The log ends in the middle of its last day.
[recording]
from = 2011-10-01
until = 2012-03-13
"""


def written(data: Path, folder: Path) -> Path:
    """Write deals.csv, stage_history.csv and funnel.toml into `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = pd.read_csv(data / "cases.csv")
    events = pd.read_csv(data / "events.csv.gz")
    events["stage"] = events["activity"].map(STAGES)
    events = events[events["stage"].notna()]
    when = pd.to_datetime(events["timestamp"], format="ISO8601", utc=True).dt.tz_localize(None)
    events = events.assign(entered=when).sort_values(["case_id", "entered"], kind="stable")
    closed = events["stage"].isin(["Won", "Lost"])
    events = events[closed.groupby(events["case_id"]).cumsum() <= closed]  # nothing after the first closing
    rows = events.rename(columns={"case_id": "deal_id"})[["deal_id", "stage", "entered"]]
    rows.to_csv(folder / "stage_history.csv", index=False)
    created = rows.groupby("deal_id")["entered"].min()
    deals = pd.DataFrame({"deal_id": cases["case_id"], "amount": cases["amount_req"]})
    deals.assign(created=deals["deal_id"].map(created)).to_csv(folder / "deals.csv", index=False)
    (folder / "funnel.toml").write_text(FUNNEL)
    return folder
