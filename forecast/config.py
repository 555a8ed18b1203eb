"""The funnel file: TOML, read into frozen models; a key that is not known is an error that names it."""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, model_validator

from forecast.config_asked import (
    CapacitySection,
    DependenceSection,
    FollowUpSection,
    ForecastSection,
    Positive,
    PriorsSection,
    ScenarioSection,
)
from forecast.config_data import (
    FunnelSection,
    Known,
    ModelSection,
    Name,
    RecordingSection,
    Section,
    SourceSection,
)
from forecast.errors import FunnelError, near
from forecast.periods import Period, parse_period


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
