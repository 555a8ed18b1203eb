"""The history of a made-up company, written out in every shape that can be read."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

from forecast.config_data import FunnelSection
from forecast.synthetic import Company, Generated

WON, LOST = "Won", "Lost"
FIELDS = ["owner", "segment"]


def funnel_of(company: Company) -> FunnelSection:
    return FunnelSection(stages=tuple(stage.name for stage in company.stages))


def toml(company: Company, source: str, until: str) -> str:
    stages = ", ".join(f'"{stage.name}"' for stage in company.stages)
    return f"[funnel]\nstages = [{stages}]\n[recording]\nuntil = {until}\n[source]\n{source}"


def last_day(company: Company) -> str:
    return f"{pd.Timestamp(company.end_day - 1, unit='D'):%Y-%m-%d}"


def write(folder: Path, company: Company, made: Generated, shape: str) -> Path:
    """The files of `shape` and a funnel file that names them, but not their shape."""
    folder.mkdir(parents=True, exist_ok=True)
    source = WRITERS[shape](folder, made, tuple(stage.name for stage in company.stages), last_day(company))
    (folder / "funnel.toml").write_text(toml(company, source, last_day(company)), encoding="utf-8")
    return folder


def canonical(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    made.deals.to_csv(folder / "deals.csv", index=False)
    made.stage_history.to_csv(folder / "history.csv", index=False)
    return 'deals = "deals.csv"\nstage_history = "history.csv"\n'


def parquet(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    made.deals.to_parquet(folder / "deals.parquet")
    made.stage_history.to_parquet(folder / "history.parquet")
    return 'deals = "deals.parquet"\nstage_history = "history.parquet"\n'


def excel(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    with pd.ExcelWriter(folder / "book.xlsx") as book:
        made.deals.to_excel(book, sheet_name="Deals", index=False)
        made.stage_history.to_excel(book, sheet_name="Stage history", index=False)
    return 'deals = "book.xlsx#Deals"\nstage_history = "book.xlsx#Stage history"\n'


def european(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """Semicolons, decimal commas, days first, Latin-1."""
    for name, table, date in (("deals", made.deals, "created"), ("history", made.stage_history, "entered")):
        text = table.assign(**{date: table[date].dt.strftime("%d.%m.%Y %H:%M:%S.%f")})
        text = text.assign(amount=text["amount"].map(lambda amount: f"{amount:.2f}".replace(".", ",")))
        text.rename(columns={"owner": "Owner", "client": "Société"}).to_csv(
            folder / f"{name}.csv", index=False, sep=";", encoding="latin-1"
        )
    columns = '[source.columns]\nclient = "Société"\n'
    return f'deals = "deals.csv"\nstage_history = "history.csv"\ndecimal = ","\n{columns}'


def one_table(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """A row per stage entered, with the columns of the deal."""
    both = made.stage_history.merge(made.deals.drop(columns="amount"), on="deal_id")
    both.to_csv(folder / "log.csv", index=False)
    return 'deals = "log.csv"\n'


def events(made: Generated) -> pd.DataFrame:
    attributes = made.deals[["deal_id", "client", *FIELDS]]
    both = made.stage_history.merge(attributes, on="deal_id")
    names = {"deal_id": "case:concept:name", "stage": "concept:name", "entered": "time:timestamp"}
    return both.rename(columns={**names, **{name: f"case:{name}" for name in ("client", *FIELDS)}})


def event_log(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    events(made).to_csv(folder / "log.csv", index=False)
    return 'deals = "log.csv"\n'


def xes(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    log = ['<?xml version="1.0"?><log xmlns="http://www.xes-standard.org/">']
    for case, rows in events(made).groupby("case:concept:name"):
        log.append(f'<trace><string key="concept:name" value={quoteattr(str(case))}/>')
        for name in ("client", *FIELDS):
            if isinstance(value := rows[f"case:{name}"].iloc[0], str):
                log.append(f'<string key="{name}" value={quoteattr(value)}/>')
        for stage, time, amount in rows[["concept:name", "time:timestamp", "amount"]].to_numpy():
            log.append(f'<event><string key="concept:name" value={quoteattr(stage)}/>')
            log.append(f'<date key="time:timestamp" value="{time.isoformat()}"/>')
            log.append(f'<float key="amount" value="{amount}"/></event>')
        log.append("</trace>")
    (folder / "log.xes").write_text("".join(log) + "</log>")
    return 'deals = "log.xes"\n'


def snapshots(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """Every deal on every evening from before the first one on."""
    history = made.stage_history.assign(snapshot_date=made.stage_history["entered"].dt.normalize())
    last = history.drop_duplicates(["deal_id", "snapshot_date"], keep="last")
    days = pd.date_range(last["snapshot_date"].min() - pd.Timedelta(days=1), until)
    wide = last.pivot(index="snapshot_date", columns="deal_id", values=["stage", "amount"]).reindex(days).ffill()
    long = wide.stack("deal_id", future_stack=True).dropna(subset="stage").rename_axis(["snapshot_date", "deal_id"])
    table = long.reset_index().merge(made.deals.drop(columns="amount"), on="deal_id")
    # The day before has one deal that ended at once, so that it can be seen that all others began later.
    before = pd.DataFrame({"snapshot_date": days[:1], "deal_id": "0", "stage": LOST, "created": days[:1]})
    pd.concat([before, table]).to_csv(folder / "snapshots.csv", index=False)
    return 'deals = "snapshots.csv"\n'


def versions(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """Fivetran's history mode of OPPORTUNITY: a row per version, the last one open until 9999."""
    rows = made.stage_history.merge(made.deals.drop(columns="amount"), on="deal_id")
    end = rows.groupby("deal_id")["entered"].shift(-1)
    table = pd.DataFrame(
        {
            "id": rows["deal_id"], "stage_name": rows["stage"], "amount": rows["amount"],
            "created_date": rows["created"], "owner": rows["owner"], "segment": rows["segment"],
            "account": rows["client"], "is_won": rows["stage"].eq(WON), "is_closed": rows["stage"].isin([WON, LOST]),
            "is_deleted": False, "close_date": rows["entered"].dt.normalize(), "_fivetran_start": rows["entered"],
            "_fivetran_end": end.dt.strftime("%Y-%m-%d %H:%M:%S").fillna("9999-12-31 23:59:59"),
            "_fivetran_active": end.isna(),
        }
    )  # fmt: skip
    table.to_csv(folder / "opportunity.csv", index=False)
    return 'deals = "opportunity.csv"\n'


def dlt_versions(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    versions(folder, made, stages, until)
    table = pd.read_csv(folder / "opportunity.csv", dtype=str)
    names = {"_fivetran_start": "_dlt_valid_from", "_fivetran_end": "_dlt_valid_to"}
    table.drop(columns="_fivetran_active").rename(columns=names).to_csv(folder / "opportunity.csv", index=False)
    return 'deals = "opportunity.csv"\n'


def _opportunity(made: Generated, snake: bool) -> pd.DataFrame:
    """Salesforce's Opportunity as of the end."""
    last = made.stage_history.drop_duplicates("deal_id", keep="last").set_index("deal_id")
    now = last.loc[made.deals["deal_id"]]
    table = pd.DataFrame(
        {
            "Id": made.deals["deal_id"], "Account Name": made.deals["client"], "Amount": now["amount"].to_numpy(),
            "StageName": now["stage"].to_numpy(), "CreatedDate": made.deals["created"], "Owner": made.deals["owner"],
            "CloseDate": now["entered"].dt.normalize().to_numpy(), "Industry": made.deals["segment"],
            "IsWon": now["stage"].eq(WON).to_numpy(), "IsDeleted": False, "Probability": 50,
        }
    )  # fmt: skip
    return table.rename(columns=_snake) if snake else table


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name)).replace(" _", "_")


def salesforce_history(folder: Path, made: Generated, stages: tuple[str, ...], until: str, snake: bool = False) -> str:
    rows = made.stage_history
    history = pd.DataFrame(
        {
            "Id": np.arange(len(rows)), "OpportunityId": rows["deal_id"], "StageName": rows["stage"],
            "Amount": rows["amount"], "CloseDate": "2030-01-01", "Probability": 10, "ExpectedRevenue": 1,
            "ForecastCategory": "Pipeline", "CreatedDate": rows["entered"],
        }
    )  # fmt: skip
    (history.rename(columns=_snake) if snake else history).to_csv(folder / "OpportunityHistory.csv", index=False)
    _opportunity(made, snake).to_csv(folder / "Opportunity.csv", index=False)
    return 'deals = "Opportunity.csv"\nstage_history = "OpportunityHistory.csv"\n'


def salesforce_by_connector(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """As Fivetran and dlt name the same columns."""
    return salesforce_history(folder, made, stages, until, snake=True)


def salesforce_fields(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """OpportunityFieldHistory: the old and the new value of a field, none for the values at creation."""
    rows = made.stage_history
    same = rows["deal_id"].eq(rows["deal_id"].shift())
    parts = []
    for field, column in (("StageName", "stage"), ("Amount", "amount")):
        changed = rows[same & rows[column].ne(rows[column].shift())]
        old = rows[column].shift().loc[changed.index]
        values = {"Field": field, "OldValue": old.astype(str), "NewValue": changed[column].astype(str)}
        parts.append(changed[["deal_id", "entered"]].assign(**values))
    created = made.deals[["deal_id", "created"]].rename(columns={"created": "entered"}).assign(Field="created")
    table = pd.concat([created, *parts]).rename(columns={"deal_id": "OpportunityId", "entered": "CreatedDate"})
    table.to_csv(folder / "OpportunityFieldHistory.csv", index=False)
    _opportunity(made, False).to_csv(folder / "Opportunity.csv", index=False)
    return 'deals = "Opportunity.csv"\nstage_history = "OpportunityFieldHistory.csv"\n'


def ids(stages: tuple[str, ...]) -> dict[str, str]:
    """HubSpot's ids of stages."""
    return {name: str(9_000_000 + place) for place, name in enumerate(stages)} | {WON: "closedwon", LOST: "77-b"}


def stage_labels(folder: Path, stages: tuple[str, ...]) -> str:
    rows = [
        {
            "_fivetran_deleted": False, "stage_id": stage, "label": label, "display_order": place,
            "closed_won": label == WON, "is_closed": label in (WON, LOST), "pipeline_id": "default",
        }
        for place, (label, stage) in enumerate(ids(stages).items())
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "deal_pipeline_stage.csv", index=False)
    return 'stage_labels = "deal_pipeline_stage.csv"\n'


def _hubspot_deals(made: Generated, stages: tuple[str, ...]) -> pd.DataFrame:
    last = made.stage_history.drop_duplicates("deal_id", keep="last").set_index("deal_id").loc[made.deals["deal_id"]]
    return pd.DataFrame(
        {
            "deal_id": made.deals["deal_id"], "is_deleted": False, "deal_pipeline_id": "default",
            "deal_pipeline_stage_id": last["stage"].map(ids(stages)).to_numpy(),
            "property_hubspot_owner_id": made.deals["owner"], "property_amount": last["amount"].to_numpy(),
            "property_closedate": last["entered"].to_numpy(), "property_createdate": made.deals["created"],
            "company": made.deals["client"], "property_segment": made.deals["segment"],
        }
    )  # fmt: skip


def hubspot_history(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """Fivetran's DEAL and DEAL_STAGE, the last stage open until 2050."""
    rows = made.stage_history
    end = rows.groupby("deal_id")["entered"].shift(-1).dt.strftime("%Y-%m-%d %H:%M:%S").fillna("2050-01-01 00:00:00")
    table = pd.DataFrame(
        {
            "_fivetran_start": rows["entered"], "deal_id": rows["deal_id"], "_fivetran_active": end.str[:4].eq("2050"),
            "_fivetran_end": end, "date_entered": rows["entered"], "source": "CRM_UI",
            "value": rows["stage"].map(ids(stages)),
        }
    )  # fmt: skip
    table.to_csv(folder / "deal_stage.csv", index=False)
    _hubspot_deals(made, stages).to_csv(folder / "deal.csv", index=False)
    return 'deals = "deal.csv"\nstage_history = "deal_stage.csv"\n' + stage_labels(folder, stages)


def hubspot_properties(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    """dlt's history of properties: stage and amount in rows of their own."""
    rows = made.stage_history
    stage = rows.assign(property_name="dealstage", value=rows["stage"].map(ids(stages)))
    amount = rows.assign(property_name="amount", value=rows["amount"].astype(str))
    table = pd.concat([amount, stage])[["deal_id", "property_name", "value", "entered"]]
    table = table.rename(columns={"deal_id": "object_id", "entered": "timestamp"})
    table.to_csv(folder / "deals_property_history.csv", index=False)
    _hubspot_deals(made, stages).rename(columns={"deal_id": "id"}).to_csv(folder / "deals.csv", index=False)
    return 'deals = "deals.csv"\nstage_history = "deals_property_history.csv"\n' + stage_labels(folder, stages)


def _dates(made: Generated) -> pd.DataFrame:
    """The last time that each deal entered each stage, by deal."""
    last = made.stage_history.drop_duplicates(["deal_id", "stage"], keep="last")
    return last.pivot(index="deal_id", columns="stage", values="entered").loc[made.deals["deal_id"]]


def stage_dates(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    dates = _dates(made).reset_index(drop=True).add_prefix("date_entered_")
    pd.concat([made.deals.reset_index(drop=True), dates], axis=1).to_csv(folder / "wide.csv", index=False)
    return 'deals = "wide.csv"\n'


def hubspot_dates(folder: Path, made: Generated, stages: tuple[str, ...], until: str, prefix: str = "hs_v2_") -> str:
    names = ids(stages)
    dates = _dates(made).reset_index(drop=True)
    dates.columns = [f"{prefix}date_entered_{names[stage].replace('-', '_')}" for stage in dates.columns]
    deals = _hubspot_deals(made, stages).reset_index(drop=True)
    deals.columns = [name.removeprefix("property_") for name in deals.columns]
    pd.concat([deals, dates], axis=1).to_csv(folder / "deals.csv", index=False)
    return 'deals = "deals.csv"\n' + stage_labels(folder, stages)


def hubspot_legacy(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    return hubspot_dates(folder, made, stages, until, prefix="hs_")


def closed_only(folder: Path, made: Generated, stages: tuple[str, ...], until: str) -> str:
    last = made.stage_history.drop_duplicates("deal_id", keep="last").set_index("deal_id").loc[made.deals["deal_id"]]
    ended = last["stage"].isin([WON, LOST]).to_numpy()
    status = np.where(ended, last["stage"].to_numpy(), "Open")
    closed = last["entered"].where(last["stage"].isin([WON, LOST])).to_numpy()
    made.deals.assign(status=status, closed=closed).to_csv(folder / "closed.csv", index=False)
    return 'deals = "closed.csv"\n'


WRITERS = {
    function.__name__: function
    for function in (
        canonical, parquet, excel, european, one_table, event_log, xes, snapshots, versions, dlt_versions,
        salesforce_history, salesforce_by_connector, salesforce_fields, hubspot_history, hubspot_properties,
        stage_dates, hubspot_dates, hubspot_legacy, closed_only,
    )
}  # fmt: skip
