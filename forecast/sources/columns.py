"""Which column is what: conventional names are recognised, and the funnel file has the last word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from forecast.errors import FunnelError, near
from forecast.sources.names import ALIASES, simplified, unaccented

FLAGS = ("is_deleted", "is_won", "is_closed")
# What a connector writes before the name of a property.
PREFIXES = re.compile(r"^(?:property|properties|fields|hs|case) ")
DATES = ("created", "closed", "entered", "expected_close")
# Other spellings of a stage's date, such as date_entered_Proposal or proposal_date.
STAGE_DATE = re.compile(
    r"^(?:(?:hs v2 )?date entered|entered|date d entree (?:en|dans)|date de passage (?:en|a)|"
    r"(?:date|fecha|datum)(?: (?:d|de|du|des|la|l|de la|de l))?)\s+(.+)$"
    r"|^(.+?)\s+(?:date|at|on|entered|am|datum)$"
)
# HubSpot's properties, as a connector names them, and as its own export does.
HUBSPOT_DATE = re.compile(r"^(?:propert(?:y|ies)_+)?hs_(?:v2_)?date_entered_(.+)$", re.IGNORECASE)
QUOTED_DATE = re.compile(r"""^date entered ["'“](.+?)(?: \([^()]*\))?["'”]$""", re.IGNORECASE)
NO_STAGE = (
    "last modified", "modified", "last modified date", "updated", "last activity", "next step", "deleted", "due",
    "created", "create", "close", "closed", "birth",
    "modification", "derniere modification", "mise a jour", "derniere activite", "relance", "echeance", "naissance",
    "letzte anderung", "letzten anderung", "anderung", "geburt", "modificacion", "ultima modificacion", "vencimiento",
    "nacimiento",
)  # fmt: skip


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
            by_words.setdefault(unaccented(column), column)
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
    words, plain = simplified(column), unaccented(column)
    matched = STAGE_DATE.match(plain)
    if not matched or plain in NO_STAGE or any(plain in names for names in ALIASES.values()):
        return None
    stage = matched[1] or matched[2]
    if plain.startswith(("last ", "next ", "notes ")) or stage in NO_STAGE:
        return None
    group = 1 if matched[1] else 2
    return _capital(words[matched.start(group) : matched.end(group)] if len(words) == len(plain) else stage)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
