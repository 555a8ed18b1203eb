"""Which column is what: conventional names are recognised, and the funnel file has the last word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from forecast.errors import FunnelError, near

# Canonical name -> names it goes by, the most telling first (written as `simplified` gives them).
_NAMES = {
    "deal_id": "deal id, opportunity id, dealid, lead id, case id, deal, opportunity, id",
    "client": "client, account, account name, client name, customer, customer name, company, company name, "
    "client id, account id, customer id, company id",
    "parent_client": "parent client, parent account, parent company, parent, subsidiary of",
    "owner": "owner, sales agent, deal owner, opportunity owner, owner name, seller, rep, sales rep, "
    "salesperson, owner id",
    "team": "team, sales team, manager, sales manager",
    "region": "region, regional office, territory, country",
    "product": "product, product name, product line",
    "segment": "segment, sector, industry, market",
    "source": "source, lead source, channel, origin",
    "amount": "amount, value, close value, deal value, deal amount, amount requested, revenue, price",
    "currency": "currency, currency code, currency iso code, deal currency",
    "created": "created, created date, create date, created at, createdate, creation date, date created, "
    "created on, engage date, opened, open date, opened at, start date",
    "closed": "closed, close date, closed date, closed at, closedate, date closed, closed on, end date",
    "expected_close": "expected close, expected close date, forecast close date, target date",
    "stage": "stage, deal stage, stage name, dealstage, sales stage, pipeline stage, outcome, status, activity, state",
    "entered": "entered, entered at, entered on, date entered, timestamp, time stamp, changed at, "
    "change date, stage date, event time, event date, time, date",
}
ALIASES: Mapping[str, tuple[str, ...]] = {name: tuple(words.split(", ")) for name, words in _NAMES.items()}
DATES = ("created", "closed", "entered", "expected_close")
# Other spellings of a stage's date, such as date_entered_Proposal or proposal_date.
STAGE_DATE = re.compile(r"^(?:(?:hs v2 )?date entered|entered|date)\s+(.+)$|^(.+?)\s+(?:date|at|on|entered)$")
NO_STAGE = (
    "last modified",
    "modified",
    "last modified date",
    "updated",
    "last activity",
    "next step",
    "deleted",
    "due",
)
WON = ("won", "closed won", "closedwon", "win", "is won", "sold")
LOST = ("lost", "closed lost", "closedlost", "loss", "is lost", "disqualified")


def simplified(name: str) -> str:
    """Lower case words: 'OpportunityId', 'opportunity_id' and 'Opportunity ID' are all 'opportunity id'."""
    words = re.sub(r"__c$", "", name.strip())
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
    return " ".join(re.sub(r"[^\w]+|_", " ", words).casefold().split())


def recognise(
    columns: Iterable[str], declared: Mapping[str, str], file: str, needed: Iterable[str] = ()
) -> dict[str, str]:
    """Canonical name -> column of the file: what is `declared`, then what is recognised; each column is used
    once.

    A declared column may be in another file of the source, so that only a name in `needed` must be found
    here. Raises FunnelError naming the first needed column that is missing, with the names most like it.
    """
    there = list(columns)
    found = {name: column for name, column in declared.items() if column in there}
    by_words: dict[str, str] = {}
    for column in there:
        if column not in found.values():
            by_words.setdefault(simplified(column), column)
    for name, aliases in ALIASES.items():
        if name not in declared:
            match = next((by_words.pop(words) for words in aliases if words in by_words), None)
            if match is not None:
                found[name] = match
    for name in needed:
        if name not in found:
            raise missing(name, there, file, declared.get(name))
    return found


def missing(name: str, columns: Iterable[str], file: str, declared: str | None = None) -> FunnelError:
    """The error for a canonical column that the file lacks."""
    what = f"there is no column for {name}" if declared is None else f"there is no column '{declared}' (for {name})"
    there = list(columns)
    hint = near(declared or name, there) if declared else "The file has: " + ", ".join(there[:12]) + "."
    remedy = f'{hint} Name it under [source.columns] in the funnel file: {name} = "..."'
    return FunnelError(what, file=file, remedy=remedy)


def stage_of_column(column: str) -> str | None:
    """'Proposal' for a column named date_entered_Proposal, entered_proposal, proposal_date, Proposal at ...,
    else None.
    """
    words = simplified(column)
    matched = STAGE_DATE.match(words)
    if not matched or words in NO_STAGE or any(words in names for names in ALIASES.values()):
        return None
    stage = matched[1] or matched[2]
    if stage in NO_STAGE or stage in ("created", "create", "close", "closed"):
        return None
    return stage[:1].upper() + stage[1:]


def outcome_name(values: Iterable[str], kind: tuple[str, ...]) -> str | None:
    """The value that means won (`kind` WON) or lost (`kind` LOST), as it is written in the data."""
    by_words = {simplified(value): value for value in values}
    return next((by_words[words] for words in kind if words in by_words), None)
