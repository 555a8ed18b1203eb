"""The shapes of input, each in a module of its own, in the order in which they are recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.sources import (
    canonical,
    event_log,
    field_history,
    hubspot,
    salesforce,
    snapshots,
    stage_dates,
)
from forecast.sources.inputs import Inputs
from forecast.sources.tables import Tables

ONE_PER_DEAL = ("stage_dates", "closed_only", "hubspot_dates")


@dataclass(frozen=True)
class Shape:
    """`told`: what it is, in words. `fits`: whether the tables look like it. `read`: turn them into Tables."""

    name: str
    told: str
    fits: Callable[[Config, Inputs], bool]
    read: Callable[[Config, Inputs], tuple[Config, Tables]]


SHAPES = (
    Shape("field_history", "one row per change of a field", field_history.fits, field_history.read),
    Shape("versions", "one row per version of a deal", snapshots.are_versions, snapshots.read_versions),
    Shape("snapshots", "snapshots of all deals, day by day", snapshots.are_snapshots, snapshots.read_snapshots),
    Shape("salesforce_history", "Salesforce's OpportunityHistory", salesforce.fits, salesforce.read),
    Shape("hubspot_history", "HubSpot's stage history", hubspot.is_history, hubspot.read_history),
    Shape("event_log", "event log, one row per activity", event_log.fits, event_log.read),
    Shape(
        "hubspot_dates", "HubSpot's deals, with the date of entering each stage", hubspot.has_dates, stage_dates.read
    ),
    Shape("canonical", "one row per stage entered", canonical.fits, canonical.read),
    Shape("closed_only", "one row per deal, created and closed", stage_dates.only_closed, stage_dates.read),
    Shape("stage_dates", "one row per deal, with dates", stage_dates.fits, stage_dates.read),
)
BY_NAME = {shape.name: shape for shape in SHAPES}


def shape_of(config: Config, inputs: Inputs) -> Shape:
    """The shape that the funnel file names, else the first that fits. The last one always does."""
    if config.source.shape is not None:
        shape = BY_NAME[config.source.shape]
        needed = "deals" if shape.name in ONE_PER_DEAL else None
        if needed is not None and needed not in inputs:
            remedy = f'Write deals = "FILE.csv" under [source], for shape = "{shape.name}" has one row per deal.'
            raise FunnelError("[source] names no file of deals", file=config.path, remedy=remedy)
        return shape
    return next(shape for shape in SHAPES if shape.fits(config, inputs))
