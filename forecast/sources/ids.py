"""Ids that two tables write differently: 7 as 7.0 or 007, Salesforce's of 15 characters with the 3 that check them.

Salesforce's short ids differ in case; the last three characters of a long one say which of the others are capitals,
five of them each.
"""

from __future__ import annotations

import re

import pandas as pd

from forecast.sources.quality import Sieve, among

DECIMALS = re.compile(r"\d+\.0+")
SHORT, LONG, FIVE = 15, 18, 5
CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def plain(name: str) -> str:
    """The same for all ways to write an id."""
    whole = name.partition(".")[0] if DECIMALS.fullmatch(name) else name
    if whole.isdecimal():
        return whole.lstrip("0") or "0"
    if len(name) == LONG and name.isalnum() and name[SHORT:].upper() == _check(name[:SHORT]):
        return name[:SHORT]
    return name


def _check(short: str) -> str:
    fives = (short[begin : begin + FIVE] for begin in range(0, SHORT, FIVE))
    return "".join(CHECKS[sum(1 << place for place, c in enumerate(five) if "A" <= c <= "Z")] for five in fives)


def as_written(ids: pd.Series, others: pd.Series) -> pd.Series:
    """`ids` as `others` write them: those that are not among these, while just one of these is the same id."""
    alone = ids.notna() & ~among(ids, others)
    if not alone.any():
        return ids
    names = pd.Series(others.dropna().unique(), dtype="str")
    plainly = names.map(plain)
    once = ~plainly.duplicated(keep=False)
    mine = pd.Series(ids[alone].unique(), dtype="str")
    meant = mine.map(plain).map(dict(zip(plainly[once], names[once], strict=True)))
    change = dict(zip(mine[meant.notna()], meant.dropna(), strict=True))
    if not change:
        return ids
    return ids.where(~ids.isin(list(change)), ids.map(change)).astype("str")


def align(rows: Sieve, others: Sieve) -> None:
    """Write the deal ids of `rows` as `others` do, and tell."""
    before = rows.frame["deal_id"]
    after = as_written(before, others.frame["deal_id"])
    changed = before.notna() & before.ne(after)
    if changed.any():
        what = f"deal id written differently in {others.file}"
        rows.note(changed, what, effect="read as the same deal", show=before)
        rows.frame = rows.frame.assign(deal_id=after)
