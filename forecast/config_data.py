"""Sections of the funnel file that say what the data are: the funnel, its source, when things are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from forecast.errors import did_you_mean, near

NO_CENTS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
    "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")

Name = Annotated[str, Field(min_length=1)]
ShapeName = Literal[
    "canonical", "stage_dates", "closed_only", "event_log", "snapshots", "versions", "salesforce_history",
    "field_history", "hubspot_dates", "hubspot_history",
]  # fmt: skip
ROLES = ("deals", "stage_history", "stage_labels", "pipelines", "accounts", "merged")


class Known(StrEnum):
    """When the value of a column became known."""

    CREATION = "creation"  # with the deal
    CHANGE = "change"  # from a dated change on (stage_history carries it)
    CLOSE = "close"  # only when the deal is won or lost
    WIN = "win"  # only when the deal is won: a lost deal may be re-opened, and owe the value to its later close
    OVERWRITTEN = "overwritten"  # the last value only: unknown as of any past day


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class FunnelSection(Section):
    """`stages`: open stages in funnel order (empty: guessed from the data); `viable_from`: one of them.
    `expected_days`: stage -> days after which a deal in it is overdue (else told from the deals that moved on).
    """

    name: str = ""
    currency: str = ""
    stages: tuple[Name, ...] = ()
    won: Name = "Won"
    lost: Name = "Lost"
    viable_from: Name | None = None
    expected_days: Mapping[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    fiscal_year_starts: Annotated[int, Field(ge=1, le=12)] = 1

    @property
    def states(self) -> tuple[str, ...]:
        """The open stages, then won, then lost."""
        return (*self.stages, self.won, self.lost)

    @property
    def minor_digits(self) -> int:
        """Decimals of the currency: amounts are counted in units of 10**-minor_digits."""
        return 0 if self.currency in NO_CENTS else 3 if self.currency in THREE_DECIMALS else 2

    @field_validator("currency")
    @classmethod
    def _three_capitals(cls, value: str) -> str:
        if value and not re.fullmatch("[A-Z]{3}", value):
            raise ValueError(f"write the three letters of its code, such as USD or EUR, not '{value}'")
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len(set(self.states)) < len(self.states):
            raise ValueError(f"stages, won and lost must all have different names, got {', '.join(self.states)}")
        if self.stages and self.viable_from is not None and self.viable_from not in self.stages:
            raise ValueError(
                f"viable_from '{self.viable_from}' is not among stages. {near(self.viable_from, self.stages)}"
            )
        for stage in self.expected_days:
            if self.stages and stage not in self.stages:
                raise ValueError(f"expected_days of '{stage}', which is not among stages. {near(stage, self.stages)}")
        return self


class Outcome(Section):
    """`column` says won, lost or the open stage; `date` is the column with the day of winning or losing."""

    column: Name
    date: Name


class Join(Section):
    """Columns of another file, found through the deals column `on`; `key`: its name there, where it is not
    conventional.
    """

    file: Name
    on: Name
    columns: Mapping[Name, Name]
    key: Name | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _list_means_same_names(cls, value: Any) -> Any:
        return {name: name for name in value} if isinstance(value, list) else value


class SourceSection(Section):
    """Where the rows are, and how they are to be read.

    Files (or, with `database`, tables and queries): `deals`, `stage_history`, and the tables that ids in them
    point to: `stage_labels`, `pipelines`, `accounts`, and `merged` for deals folded into others.
    `database`: the environment variable that holds the address of a database. `columns`: canonical name ->
    column in the file; `stage_dates`: stage -> its date column; `activities`: activity of an event log -> stage;
    `once`: stages that such a log enters when they are first named, and never again.
    `pipeline`: the one to read, or "*". `timezone`: in which days begin. `rates`: worth of one unit of a currency
    in the funnel's. `keep_deleted`: read deals that are marked as deleted. `merge_clients`: client names that
    differ in case or blanks only are one client.
    """

    shape: ShapeName | None = None
    database: Name | None = None
    deals: Name | None = None
    stage_history: Name | None = None
    stage_labels: Name | None = None
    pipelines: Name | None = None
    accounts: Name | None = None
    merged: Name | None = None
    pipeline: Name | None = None
    timezone: Name | None = None
    rates: Mapping[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    keep_deleted: bool = False
    merge_clients: bool = False
    activities: Mapping[Name, Name] = Field(default_factory=dict)
    once: tuple[Name, ...] = ()
    columns: Mapping[Name, Name] = Field(default_factory=dict)
    stage_dates: Mapping[Name, Name] = Field(default_factory=dict)
    outcome: Outcome | None = None
    join: tuple[Join, ...] = ()
    replace: Mapping[Name, Mapping[Name, str]] = Field(default_factory=dict)
    day_first: bool | None = None
    decimal: Literal[".", ","] | None = None

    @property
    def tables(self) -> dict[str, str]:
        """Role -> file, or table or query of the database."""
        named = {role: getattr(self, role) for role in ROLES}
        return {role: name for role, name in named.items() if name is not None}

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            hint = did_you_mean(value, available_timezones()) or "Write it as Europe/Paris."
            raise ValueError(f"'{value}' is not a time zone. {hint}")
        return value

    @field_validator("rates")
    @classmethod
    def _codes(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        bad = [code for code in value if not re.fullmatch("[A-Z]{3}", code)]
        if bad:
            raise ValueError(f"write the three letters of a currency, such as USD, not '{bad[0]}'")
        return value


class RecordingSection(Section):
    """First and last day on which exits were recorded (`from` and `until`, both included)."""

    from_: date | None = Field(default=None, alias="from")
    until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError(f"until ({self.until}) is before from ({self.from_})")
        return self


class ModelSection(Section):
    """`attributes`: the columns that the model uses; None: those that exist and have 2 to 60 levels. `seller`: the
    column that names who sells.
    """

    attributes: tuple[Name, ...] | None = None
    seller: Name = "owner"
