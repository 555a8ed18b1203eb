"""Sources: one module per shape of input, all turned into the same Tables. `load` is the way in."""

from __future__ import annotations

from pathlib import Path

from forecast.config import Config, read_config
from forecast.errors import FunnelError
from forecast.sources import inputs, rows, shapes
from forecast.sources.tables import Known, Tables

__all__ = ["Config", "Known", "Tables", "configured", "load"]

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
    if path.is_dir():
        if (path / FUNNEL_FILE).is_file():
            return read_config(path / FUNNEL_FILE)
        found = inputs.found_in(path)
        if not {"deals", "stage_history"} & found.keys():
            remedy = f"Put {FUNNEL_FILE} there, or deals.csv and stage_history.csv."
            raise FunnelError("there is no funnel in this folder", file=path, remedy=remedy)
        return _bare(path / FUNNEL_FILE, **found)
    if path.suffix.lower() == ".toml":
        return read_config(path)
    return _bare(path, deals=path.name)


def _bare(path: Path, **files: str | None) -> Config:
    config = Config().with_source(**files)
    config._path = path
    return config
