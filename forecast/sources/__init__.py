"""Sources: one module per shape of input, all turned into the same Tables. `load` is the way in."""

from __future__ import annotations

from pathlib import Path

from forecast.config import Config, read_config
from forecast.errors import FunnelError
from forecast.sources import inputs, rows, shapes
from forecast.sources.tables import Known, Tables

__all__ = ["Config", "Known", "Tables", "bare", "configured", "load"]

FUNNEL_FILE = "funnel.toml"


def load(source: str | Path | Config) -> tuple[Config, Tables]:
    """The funnel at `source` and its tables.

    `source` is a funnel file, a folder with funnel.toml in it (or with tables called as the CRMs call them), a
    file of rows whose columns have conventional names, or a Config. In the Config returned nothing is left
    open: shape, stages, won, lost, dates and currency are as they were declared or else found. Raises
    FunnelError.
    """
    config = source if isinstance(source, Config) else configured(Path(source))
    tables = inputs.read_all(config)
    shape = shapes.shape_of(config, tables)
    config, read = shape.read(config.with_source(shape=shape.name), tables)
    names = (*read.columns, *(column.split(": ")[-1] for column in read.columns.values()), *read.unused)
    rows.check_replace(config, (*names, "stage"))
    return config, read


def configured(path: Path) -> Config:
    """The Config for a funnel file, a folder or a bare file of rows, before the rows are read."""
    if path.is_dir() and (path / FUNNEL_FILE).is_file():
        return read_config(path / FUNNEL_FILE)
    return read_config(path) if path.suffix.lower() == ".toml" else bare(path)


def bare(path: Path) -> Config:
    """The Config for rows that no funnel file tells of: those of a file, or of a folder with tables."""
    named: dict[str, str] = {"deals": path.name}
    if path.is_dir():
        named = inputs.found_in(path)
        if not {"deals", "stage_history"} & named.keys():
            remedy = f"Put {FUNNEL_FILE} there, or deals.csv and stage_history.csv."
            raise FunnelError("there is no funnel in this folder", file=path, remedy=remedy)
    config = Config().with_source(**named)
    config._path = path / FUNNEL_FILE if path.is_dir() else path
    return config
