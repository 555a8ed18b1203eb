"""The funnel file: TOML, read into frozen models; a key that is not known is an error that names it."""

from __future__ import annotations

import os
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from forecast.errors import FunnelError, did_you_mean, near
from forecast.periods import Period, parse_period

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


Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _ordered(name: str, low: float, high: float) -> None:
    if low >= high:
        raise ValueError(f"{name} must go from low to high, got [{low:g}, {high:g}]")


class StagePrior(Section):
    """What is believed of a stage before looking; both ranges hold 95 %. `conversion`: share of the visits to it that
    end onwards. `lead_time`: days after which half of those that do have ended.
    """

    conversion: tuple[Share, Share]
    lead_time: tuple[Positive, Positive]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _ordered("conversion", *self.conversion)
        _ordered("lead_time", *self.lead_time)
        return self


class PriorsSection(Section):
    """What is believed before looking, as ranges that hold 95 %. `new_deals`: created in a month, on average.
    `amount`: what one won deal brings.
    """

    new_deals: tuple[Positive, Positive] | None = None
    amount: tuple[Positive, Positive] | None = None
    stages: Mapping[Name, StagePrior] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("new_deals", "amount"):
            if (stated := getattr(self, name)) is not None:
                _ordered(name, *stated)
        return self


class FollowUpSection(Section):
    """Deals that a won deal of the same client brings about, such as renewals: left out unless the section is there.

    `per_win`: how many in the end; `after`: days from the win until they begin, of which 80 % lie in between. Both are
    learnt from the history where they are left out. `once`: at most one follows each win, as a renewal does, and
    `per_win` is its share. `stage`: where they begin (default: where most have, else the first). `worth`: their amount
    over that of the won deal.
    """

    per_win: Annotated[float, Field(gt=0, le=10)] | None = None
    after: tuple[Positive, Positive] | None = None
    once: bool = False
    stage: Name | None = None
    worth: Annotated[float, Field(gt=0, le=100)] = 1.0

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.per_win is None) != (self.after is None):
            raise ValueError("per_win and after are given together, or neither: then both are learnt")
        if self.once and self.per_win is not None and self.per_win >= 1:
            raise ValueError(f"per_win must be below 1 where once is true, got {self.per_win:g}")
        if self.after is not None and self.after[0] >= self.after[1]:
            raise ValueError(f"after must go from low to high, got [{self.after[0]}, {self.after[1]}]")
        return self


class PeriodTarget(Section):
    period: Name
    target: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @field_validator("period", mode="before")
    @classmethod
    def _year_without_quotes(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value


Change = Annotated[float, Field(gt=-1, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Joining(Section):
    """`sellers` who join on the first day of a month (2017-11), and after `ramp_months` create as many new deals as the
    average seller does; until then in proportion.
    """

    month: Name
    sellers: Annotated[int, Field(ge=1)] = 1
    ramp_months: Number = 0

    @field_validator("month")
    @classmethod
    def _a_month(cls, value: str) -> str:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
            raise ValueError(f"write a month as 2017-11, not '{value}'")
        return value


class ScenarioSection(Section):
    """A named set of assumptions; what is not named stays as it is.

    `conversion`: stage -> points of its conversion rate (0.05 is + 5 points). `lead_time`: stage -> change (-0.1 is
    10 % shorter). `new_deals`: change of their number, or `new_deals_per_month`. `amount`: change of all amounts.
    `price`: change of price, which is one of amounts, and by `elasticity` of the conversion rate of the last stage.
    `lost_clients`: whose open deals are gone, and who bring no more. `leave`: sellers whose open deals others take
    over, and who create no more. `join`: sellers to come.
    """

    conversion: Mapping[Name, Annotated[float, Field(gt=-1, lt=1)]] = Field(default_factory=dict)
    lead_time: Mapping[Name, Change] = Field(default_factory=dict)
    new_deals: Change = 0.0
    new_deals_per_month: Number | None = None
    amount: Change = 0.0
    price: Change = 0.0
    elasticity: Annotated[float, Field(le=0, allow_inf_nan=False)] = 0.0
    lost_clients: tuple[Name, ...] = ()
    leave: tuple[Name, ...] = ()
    join: tuple[Joining, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.new_deals and self.new_deals_per_month is not None:
            raise ValueError("give new_deals or new_deals_per_month, not both")
        return self


class CapacitySection(Section):
    """What can be delivered in a month, in won `deals` or in their `amount`; other months under `months`; `backlog`:
    what waits at the origin.
    """

    deals: Number | None = None
    amount: Number | None = None
    months: Mapping[Name, Number] = Field(default_factory=dict)
    backlog: Number = 0.0

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.deals is not None and self.amount is not None:
            raise ValueError("give deals or amount, not both")
        if self.deals is None and self.amount is None and (self.months or self.backlog):
            raise ValueError("say how many deals, or which amount, a usual month can take")
        return self

    @property
    def usual(self) -> float | None:
        """Of a month that is not named."""
        return self.deals if self.deals is not None else self.amount


class ForecastSection(Section):
    """`wanted`: the chance of the target that is aimed at."""

    origin: date | None = None
    wanted: Share = 0.8
    draws: Annotated[int, Field(ge=1)] = 2000
    seed: Annotated[int, Field(ge=0)] = 1
    periods: tuple[PeriodTarget, ...] = ()


class DependenceSection(Section):
    """From where on a funnel is called dependent on its clients.

    `major`: share of expected revenue from which a client is a major one; 0.10 is where IFRS 8.34 and US GAAP (ASC
    280-10-50-42) have a company disclose it. `concentration`: sum of squared shares from which revenue is concentrated;
    0.18 is where the US Merger Guidelines of 2023 call a market highly concentrated. `chance_lost`: fall of the chance
    without one client from which the target depends on it; 0.10 is a convention of this program.
    """

    major: Share = 0.10
    concentration: Share = 0.18
    chance_lost: Share = 0.10


class Config(Section):
    """The whole funnel file. `path` is where it was read from, or None.

    `quotas`: period -> column of deals -> group -> revenue that the group has to reach in the period.
    """

    funnel: FunnelSection = FunnelSection()
    source: SourceSection = SourceSection()
    known: Mapping[Name, Known] = Field(default_factory=dict)
    recording: RecordingSection = RecordingSection()
    model: ModelSection = ModelSection()
    priors: PriorsSection = PriorsSection()
    follow_ups: FollowUpSection | None = None
    forecast: ForecastSection = ForecastSection()
    dependence: DependenceSection = DependenceSection()
    quotas: Mapping[Name, Mapping[Name, Mapping[Name, Positive]]] = Field(default_factory=dict)
    scenarios: Mapping[Name, ScenarioSection] = Field(default_factory=dict)
    capacity: CapacitySection = CapacitySection()
    _path: Path | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path | None:
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that file names in [source] are relative to."""
        return self._path.parent if self._path is not None else Path()

    def path_of(self, name: str) -> Path:
        """The file that `name` under [source] means; $NAME in it stands for an environment variable."""
        return self.folder / os.path.expandvars(name)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.funnel.stages:
            for stage in self.source.stage_dates:
                if stage not in self.funnel.states:
                    raise ValueError(
                        f"[source.stage_dates] '{stage}' is not a stage. {near(stage, self.funnel.states)}"
                    )
            for stage in (*self.source.activities.values(), *self.source.once):
                if stage not in self.funnel.states:
                    where = "[source] once or [source.activities]"
                    raise ValueError(f"{where} '{stage}' is not a stage. {near(stage, self.funnel.states)}")
            for stage in self.priors.stages:
                if stage not in self.funnel.stages:
                    raise ValueError(
                        f"[priors.stages] '{stage}' is not an open stage. {near(stage, self.funnel.stages)}"
                    )
            begins = None if self.follow_ups is None else self.follow_ups.stage
            if begins is not None and begins not in self.funnel.stages:
                raise ValueError(f"[follow_ups] '{begins}' is not an open stage. {near(begins, self.funnel.stages)}")
            for name, scenario in self.scenarios.items():
                for stage in (*scenario.conversion, *scenario.lead_time):
                    if stage not in self.funnel.stages:
                        raise ValueError(
                            f"[scenarios.{name}] '{stage}' is not a stage. {near(stage, self.funnel.stages)}"
                        )
        if self.source.rates and not self.funnel.currency:
            raise ValueError("[source.rates] needs the currency that they lead to: currency under [funnel]")
        self.periods()
        for period in self.quotas:
            parse_period(period, self.funnel.fiscal_year_starts)
        return self

    def with_funnel(self, **changes: Any) -> Config:
        """A copy with other values under [funnel]."""
        return self.model_copy(update={"funnel": self.funnel.model_copy(update=changes)})

    def with_source(self, **changes: Any) -> Config:
        """A copy with other values under [source]."""
        return self.model_copy(update={"source": self.source.model_copy(update=changes)})

    def periods(self) -> tuple[tuple[Period, float | None], ...]:
        """The periods asked about in the file, with their targets."""
        starts = self.funnel.fiscal_year_starts
        return tuple((parse_period(asked.period, starts), asked.target) for asked in self.forecast.periods)


def config_from(data: Mapping[str, Any], path: Path | None = None) -> Config:
    """The checked Config of parsed TOML; file names in it are relative to the folder of `path`."""
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise _explained(error, path) from None
    except FunnelError as error:
        error.file = None if path is None else str(path)
        raise
    config._path = path
    return config


def read_config(path: Path) -> Config:
    """The funnel file at `path`.

    Raises FunnelError for a missing or unreadable file, bad TOML and bad keys or values.
    """
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise FunnelError("there is no such file", file=path, remedy="`funnel init` drafts one.") from None
    except OSError as error:
        raise FunnelError(f"cannot be read ({error.strerror})", file=path) from None
    except UnicodeDecodeError:
        raise FunnelError("is not UTF-8 text", file=path, remedy="Save the funnel file as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        remedy = 'Mend this line; text stands in double quotes: name = "value".'
        raise FunnelError(f"is not valid TOML: {error}", file=path, remedy=remedy) from None
    return config_from(data, path)


def _explained(error: ValidationError, path: Path | None) -> FunnelError:
    """The first of pydantic's errors, in the words of the funnel file."""
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # a misspelt key explains most
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        *table, key = place
        known = list(_keys(first["loc"][:-1]))
        where = f"[{'.'.join(table)}]" if table else "the file"
        return FunnelError(f"{where} has no key '{key}'", file=path, remedy=near(key, known))
    cause = first.get("ctx", {}).get("error")
    told = str(cause) if cause is not None else first["msg"][:1].lower() + first["msg"][1:]
    got = "" if cause is not None or isinstance(first["input"], dict) else f", got {first['input']!r}"
    where = f"[{'.'.join(place[:-1])}] {place[-1]}: " if len(place) > 1 else f"[{place[0]}] " if place else ""
    more = error.error_count() - 1
    remedy = f"There {'is' if more == 1 else 'are'} {more} more after this one." if more else None
    return FunnelError(f"{where}{told}{got}", file=path, remedy=remedy)


def _keys(place: tuple[int | str, ...]) -> Iterator[str]:
    """The keys that the table at `place` can have."""
    model: Any = Config
    for part in place:
        if part in model.model_fields:  # else an index, or a key of the user's
            model = _model_in(model.model_fields[part].annotation) or model
    for name, info in model.model_fields.items():
        yield info.alias or name


def _model_in(annotation: Any) -> Any:
    """The model class inside an annotation such as tuple[Join, ...] or Outcome | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
