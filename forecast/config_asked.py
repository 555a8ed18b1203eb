"""Sections of the funnel file that say what is asked and assumed: priors, follow-ups, periods, scenarios, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from forecast.config_data import Name, Section

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
