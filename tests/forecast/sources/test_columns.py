import pytest

from forecast.errors import FunnelError
from forecast.sources.columns import recognise, stage_of_column
from forecast.sources.names import simplified


@pytest.mark.parametrize(
    "name", ["OpportunityId", "opportunity_id", " Opportunity ID ", "opportunity-id", "Opportunity_Id__c"]
)
def test_spelling_does_not_matter(name: str) -> None:
    assert simplified(name) == "opportunity id"


def test_conventional_names() -> None:
    columns = [
        "opportunity_id",
        "sales_agent",
        "account",
        "deal_stage",
        "engage_date",
        "close_date",
        "close_value",
        "x",
    ]
    assert recognise(columns, {}, "a.csv") == {
        "deal_id": "opportunity_id",
        "owner": "sales_agent",
        "client": "account",
        "stage": "deal_stage",
        "created": "engage_date",
        "closed": "close_date",
        "amount": "close_value",
    }


def test_declared_names_come_first_and_are_used_once() -> None:
    found = recognise(["id", "company", "account"], {"client": "company"}, "a.csv")
    assert found == {"client": "company", "deal_id": "id"}


def test_missing_columns_are_named() -> None:
    with pytest.raises(FunnelError, match=r"a.csv: there is no column for stage\nThe file has: id, x"):
        recognise(["id", "x"], {}, "a.csv", needed=["deal_id", "stage"])
    with pytest.raises(FunnelError, match=r"no column 'stagee' \(for stage\)\nDid you mean 'stages'"):
        recognise(["id", "stages"], {"stage": "stagee"}, "a.csv", needed=["stage"])


@pytest.mark.parametrize(
    ("column", "stage"),
    [
        ("date_entered_Proposal", "Proposal"),
        ("hs_v2_date_entered_proposal", "Proposal"),
        ("proposal_date", "Proposal"),
        ("Proposal at", "Proposal"),
        ("close_date", None),
        ("last_modified_date", None),
        ("owner", None),
    ],
)
def test_stage_of_column(column: str, stage: str | None) -> None:
    assert stage_of_column(column) == stage
