"""What ids point to: stage labels, pipelines, accounts with their parents; and deals that are not to be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from forecast.config import Config
from forecast.errors import FunnelError, near
from forecast.sources import rows
from forecast.sources.columns import recognise
from forecast.sources.ids import as_written
from forecast.sources.inputs import Inputs
from forecast.sources.quality import Sieve, among
from forecast.sources.readers import Raw

ALL = "*"  # every pipeline
TRUE = ("true", "1", "t", "yes", "y")
SEPARATORS = r"[;,|\s]+"
MOST_PARENTS = 20  # levels of accounts above one another

_LABELS = {"id": "stage id, id, api name", "label": "label, master label, stage name, name"}
_LABELS |= {"order": "display order, sort order, order", "is_won": "closed won, is won, metadata is won"}
_LABELS |= {"is_closed": "is closed, metadata is closed", "pipeline": "pipeline id, dlt parent id, pipeline"}
_LABELS |= {"probability": "probability, metadata probability, default probability"}
_ACCOUNTS = {"id": "id, account id, company id, client id", "name": "name, account name, company name, client name"}
_ACCOUNTS |= {"parent": "parent id, parent account id, hs parent company id, parent company id, parent"}
_MERGED = {"deal_id": "deal id, opportunity id, id", "merged_deal_id": "merged deal id, merged id, merged object id"}
_PIPELINES = {"id": "pipeline id, id", "label": "label, name", "key": "dlt id"}


@dataclass(frozen=True)
class Labels:
    """Names of stages: label by id, labels in their order, and those that mean won or lost."""

    names: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, str]:
        return {**dict.fromkeys(self.lost, "lost"), **dict.fromkeys(self.won, "won")}


def truth(column: pd.Series) -> pd.Series:
    """Flags, true only where they say so."""
    return column.str.casefold().isin(TRUE)


def _table(raw: Raw, names: Mapping[str, str], needed: Iterable[str]) -> pd.DataFrame:
    """The columns that `names` (name -> what it goes by) finds, as text."""
    aliases = {name: tuple(words.split(", ")) for name, words in names.items()}
    found = recognise(raw.frame.columns, {}, raw.file, needed=needed, names=aliases)
    return pd.DataFrame({name: rows.as_text(raw.frame[column]) for name, column in found.items()})


def _pipeline_names(inputs: Inputs) -> dict[str, str]:
    """Label by id of a pipeline; a loader's own key counts as an id."""
    if "pipelines" not in inputs:
        return {}
    table = _table(inputs["pipelines"], _PIPELINES, ["id", "label"])
    keys = [name for name in ("id", "key") if name in table]
    return {key: label for name in keys for key, label in table[[name, "label"]].dropna().to_numpy()}


def stage_labels(config: Config, inputs: Inputs) -> Labels:
    """Labels of the stages, of the chosen pipeline where the table tells pipelines apart."""
    if "stage_labels" not in inputs:
        return Labels()
    raw = inputs["stage_labels"]
    table = _table(raw, _LABELS, ["id", "label"]).dropna(subset=["id", "label"])
    chosen = config.source.pipeline
    if "pipeline" in table and chosen not in (None, ALL):
        named = table["pipeline"].replace(_pipeline_names(inputs))
        own = table["pipeline"].eq(chosen) | named.eq(chosen)
        table = table[own] if own.any() else table
    if "order" in table:
        table = table.assign(order=pd.to_numeric(table["order"], errors="coerce")).sort_values("order", kind="stable")
    chance = pd.to_numeric(table["probability"], errors="coerce") if "probability" in table else None
    closed = truth(table["is_closed"]) if "is_closed" in table else None
    if "is_won" in table:
        won = truth(table["is_won"])
    elif closed is not None and chance is not None:
        won = closed & (chance >= 1)
    else:
        won = pd.Series(False, index=table.index)
    lost = closed & ~won if closed is not None else pd.Series(False, index=table.index)
    return Labels(
        names=dict(zip(table["id"], table["label"], strict=True)),
        order=tuple(dict.fromkeys(table["label"][~won & ~lost])) if "order" in table else (),
        won=tuple(dict.fromkeys(table["label"][won])),
        lost=tuple(dict.fromkeys(table["label"][lost])),
    )


def leave_out(config: Config, inputs: Inputs, sieves: Iterable[Sieve]) -> None:
    """Set aside deals that are deleted, merged into another or of another pipeline, in every file that has rows
    of theirs. Raises FunnelError for several pipelines of which none is chosen.
    """
    reading = [sieve for sieve in sieves if "deal_id" in sieve.frame]
    for sieve in reading:
        if "is_deleted" in sieve.frame and not config.source.keep_deleted:
            _everywhere(reading, sieve.frame.loc[truth(sieve.frame["is_deleted"]), "deal_id"], "deleted")
    _everywhere(reading, _merged(inputs, reading), "merged into another deal")
    holder = next((sieve for sieve in reading if "pipeline" in sieve.frame), None)
    if holder is not None and config.source.pipeline != ALL:
        names = holder.frame["pipeline"].replace(_pipeline_names(inputs))
        chosen = names.eq(_chosen(config, holder, names)) if names.notna().any() else names.isna()
        if config.source.pipeline is not None:
            chosen |= holder.frame["pipeline"].eq(config.source.pipeline)
        _everywhere(reading, holder.frame.loc[~chosen, "deal_id"], "another pipeline")
    for sieve in reading:
        sieve.frame = sieve.frame.drop(columns="is_deleted", errors="ignore")
        sieve.refuse_if_empty()


def _chosen(config: Config, holder: Sieve, names: pd.Series) -> str:
    counts = names.value_counts()
    chosen = config.source.pipeline
    if chosen is None and len(counts) == 1:
        return str(counts.index[0])
    if chosen is not None and (chosen in counts.index or holder.frame["pipeline"].eq(chosen).any()):
        return chosen
    shown = [f"'{name}' ({count:,} rows)" for name, count in counts.items()]
    what = "several pipelines" if chosen is None else f"there is no pipeline '{chosen}'"
    remedy = (
        f'Write pipeline = "{counts.index[0]}" under [source], a funnel file for each (`funnel forecast` of several '
        f'files adds them up); or "{ALL}" for all as one.'
    )
    hint = "" if chosen is None else near(chosen, counts.index) + " "
    column = holder.columns.get("pipeline", "pipeline")
    raise FunnelError(what, file=holder.file, column=column, examples=shown, remedy=hint + remedy)


def _merged(inputs: Inputs, reading: Iterable[Sieve]) -> pd.Series:
    """Ids of deals that were folded into others: from a table of them, or from a column of the deals."""
    parts = [pd.Series(dtype="str")]
    if "merged" in inputs:
        table = _table(inputs["merged"], _MERGED, ["deal_id", "merged_deal_id"])
        parts.append(table.loc[table["merged_deal_id"] != table["deal_id"], "merged_deal_id"])
    for sieve in reading:
        if "merged_ids" in sieve.frame:
            listed = sieve.frame.set_index("deal_id")["merged_ids"].dropna().str.split(SEPARATORS, regex=True).explode()
            parts.append(listed[listed != listed.index])
            sieve.frame = sieve.frame.drop(columns="merged_ids")
    return pd.concat(parts, ignore_index=True).dropna()


def _everywhere(reading: Iterable[Sieve], deals: pd.Series, reason: str) -> None:
    if deals.empty:
        return
    for sieve in reading:
        gone = among(sieve.frame["deal_id"], as_written(deals, sieve.frame["deal_id"])) & sieve.frame["deal_id"].notna()
        sieve.set_aside(gone, reason, effect=rows.WHOLE_DEAL, show=sieve.frame["deal_id"], wanted=True)


def clients(
    frame: pd.DataFrame, deals: Sieve, config: Config, inputs: Inputs
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    """`frame` with clients by name and, where accounts have parents, parent_client; then (columns, through) as
    `rows.joined` gives them. Names that differ in case and blanks only are told, and made one where that is asked.
    """
    columns, through = {}, {}
    if "client" in frame and "accounts" in inputs:
        raw = inputs["accounts"]
        table = _table(raw, _ACCOUNTS, ["id", "name"]).dropna(subset="id").drop_duplicates("id")
        names = table.set_index("id")["name"]
        account = as_written(frame["client"], table["id"])
        unknown = account.notna() & ~among(account, table["id"])
        deals.note(unknown, f"'client' is not in {raw.file}", effect="named by its id", show=account)
        frame = frame.assign(client=account.map(names).astype("str").fillna(account))
        if "parent" in table:
            top = account.map(_top(as_written(table.set_index("id")["parent"], table["id"]).dropna())).astype("str")
            frame = frame.assign(parent_client=top.map(names).astype("str").fillna(top))
            columns["parent_client"], through["parent_client"] = f"{raw.file}: parent", "client"
    if "client" in frame:
        frame = frame.assign(client=_spelled(frame["client"], deals, config))
    return frame, columns, through


def _top(parent: pd.Series) -> pd.Series:
    """The topmost account above each one; accounts that are above themselves are cut there."""
    top = parent
    for _ in range(MOST_PARENTS):
        above = top.map(parent)
        higher = above.notna() & (above != top.index)
        if not higher.any():
            break
        top = top.where(~higher, above)
    return top


def _spelled(client: pd.Series, deals: Sieve, config: Config) -> pd.Series:
    counts = client.value_counts()
    names = pd.Series(counts.index, dtype="str")
    plain = names.str.casefold().str.split().str.join(" ")
    several = plain.duplicated(keep=False)
    if not several.any():
        return client
    first = plain.map(names[~plain.duplicated()].set_axis(plain[~plain.duplicated()]))  # the commonest spelling
    merge = config.source.merge_clients
    effect = "read as one" if merge else "kept apart; merge_clients = true under [source] makes them one"
    deals.note(client.isin(names[several]), "client names differ in case or blanks only", effect=effect, show=client)
    return client.replace(dict(zip(names, first, strict=True))) if merge else client
