"""Which column is what: conventional names are recognised, and the funnel file has the last word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from forecast.errors import FunnelError, near

# Canonical name -> names it goes by, the most telling first (written as `simplified` gives them).
_NAMES = {
    "deal_id": "deal id, opportunity id, dealid, lead id, case concept name, case id, object id, deal, opportunity, "
    "record id, id",
    "client": "client, account, account name, client name, customer, customer name, company, company name, "
    "client id, account id, customer id, company id",
    "parent_client": "parent client, parent account, parent company, parent, subsidiary of",
    "owner": "owner, sales agent, deal owner, opportunity owner, owner name, seller, rep, sales rep, "
    "salesperson, owner id, hubspot owner id",
    "team": "team, sales team, manager, sales manager",
    "region": "region, regional office, territory, country",
    "product": "product, product name, product line",
    "segment": "segment, sector, industry, market",
    "source": "source, lead source, channel, origin",
    "amount": "amount, value, close value, deal value, deal amount, amount requested, amount req, "
    "case amount req, case amount, revenue, price",
    "currency": "currency, currency code, currency iso code, deal currency",
    "created": "created, created date, create date, created at, createdate, creation date, date created, "
    "created on, engage date, opened, open date, opened at, "
    "reg date, case reg date, start date",
    "closed": "closed, close date, closed date, closed at, closedate, date closed, closed on, end date",
    "expected_close": "expected close, expected close date, forecast close date, target date",
    "stage": "stage, deal stage, stage name, dealstage, sales stage, pipeline stage, deal pipeline stage id, "
    "stage id, concept name, outcome, status, activity, state",
    "entered": "entered, entered at, entered on, date entered, timestamp, time timestamp, time stamp, changed at, "
    "change date, stage date, event time, event date, time, date",
    "pipeline": "pipeline, pipeline id, deal pipeline, deal pipeline id, pipeline name",
    "merged_ids": "merged object ids, merged deal ids, merged ids",
    "is_deleted": "is deleted, deleted, archived, fivetran deleted",
    "is_won": "is won, is closed won, closed won flag",
    "is_closed": "is closed",
}
FLAGS = ("is_deleted", "is_won", "is_closed")
# What a connector writes before the name of a property.
PREFIXES = re.compile(r"^(?:property|properties|fields|hs|case) ")
ALIASES: Mapping[str, tuple[str, ...]] = {name: tuple(words.split(", ")) for name, words in _NAMES.items()}
DATES = ("created", "closed", "entered", "expected_close")
# Other spellings of a stage's date, such as date_entered_Proposal or proposal_date.
STAGE_DATE = re.compile(r"^(?:(?:hs v2 )?date entered|entered|date)\s+(.+)$|^(.+?)\s+(?:date|at|on|entered)$")
# HubSpot's properties, as a connector names them, and as its own export does.
HUBSPOT_DATE = re.compile(r"^(?:propert(?:y|ies)_+)?hs_(?:v2_)?date_entered_(.+)$", re.IGNORECASE)
QUOTED_DATE = re.compile(r"""^date entered ["'“](.+?)(?: \([^()]*\))?["'”]$""", re.IGNORECASE)
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
WON = (
    "won", "closed won", "closedwon", "win", "is won", "sold", "deal won", "signed won", "fermé gagné",
    "gagné", "gagnée", "gagne", "gagnee", "conclu", "gewonnen", "ganado", "ganada", "vinto", "ganho",
)  # fmt: skip
LOST = (
    "lost", "closed lost", "closedlost", "loss", "is lost", "disqualified", "dead", "deal lost", "fermé perdu",
    "perdu", "perdue", "verloren", "perdido", "perdida", "perso", "abandoned", "abandonné",
)  # fmt: skip


def simplified(name: str) -> str:
    """Lower case words: 'OpportunityId', 'opportunity_id' and 'Opportunity ID' are all 'opportunity id'."""
    words = re.sub(r"__c$", "", name.strip())
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
    return " ".join(re.sub(r"[^\w]+|_", " ", words).casefold().split())


def recognise(
    columns: Iterable[str],
    declared: Mapping[str, str],
    file: str,
    needed: Iterable[str] = (),
    names: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, str]:
    """Canonical name -> column of the file: what is `declared`, then what is recognised; each column is used
    once. `names`: canonical name -> what it goes by, where that is not ALIASES.

    A declared column may be in another file of the source, so that only a name in `needed` must be found
    here. Raises FunnelError naming the first needed column that is missing, with the names most like it.
    """
    there = list(columns)
    found = {name: column for name, column in declared.items() if column in there}
    by_words: dict[str, str] = {}
    for column in there:
        if column not in found.values():
            by_words.setdefault(simplified(column), column)
    for strip in (False, True):
        if strip:
            by_words = {PREFIXES.sub("", words): column for words, column in reversed(by_words.items())}
        for name, aliases in (ALIASES if names is None else names).items():
            if name not in declared and name not in found:
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


def stage_of_column(column: str, labels: Mapping[str, str] | None = None) -> str | None:
    """'Proposal' for a column named date_entered_Proposal, entered_proposal, proposal_date, Proposal at ...,
    else None. HubSpot's end in the id of the stage: `labels` gives its name.
    """
    if matched := HUBSPOT_DATE.match(column.strip()):
        stage = matched[1]
        return (labels or {}).get(stage) or (labels or {}).get(stage.replace("_", "-")) or _capital(simplified(stage))
    if matched := QUOTED_DATE.match(column.strip()):
        return matched[1]
    words = simplified(column)
    matched = STAGE_DATE.match(words)
    if not matched or words in NO_STAGE or any(words in names for names in ALIASES.values()):
        return None
    stage = matched[1] or matched[2]
    if (
        words.startswith(("last ", "next ", "notes "))
        or stage in NO_STAGE
        or stage in ("created", "create", "close", "closed")
    ):
        return None
    return _capital(stage)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
