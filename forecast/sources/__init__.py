"""Sources: one module per shape of input, all turned into the same Tables. `load` is the way in."""

from __future__ import annotations

from pathlib import Path

from forecast.config import Config, read_config
from forecast.errors import FunnelError
from forecast.sources import canonical, guess, rows, stage_dates
from forecast.sources.readers import SUFFIXES, Raw, read_table
from forecast.sources.tables import Known, Tables

__all__ = ["Config", "Known", "Tables", "configured", "load"]

FUNNEL_FILE = "funnel.toml"


def load(source: str | Path | Config) -> tuple[Config, Tables]:
    """The funnel at `source` and its tables.

    `source` is a funnel file, a folder with funnel.toml in it (or with deals and stage_history files), a CSV
    or Parquet file whose columns have conventional names, or a Config. In the Config returned nothing is left
    open: shape, stages, won, lost, dates and currency are as they were declared or else found. Raises
    FunnelError.
    """
    config = source if isinstance(source, Config) else configured(Path(source))
    deals, history = _files(config)
    first = history or deals
    if first is None:
        remedy = 'Write deals = "FILE.csv" under [source]; stage_history = "FILE.csv" as well if there is one.'
        raise FunnelError("[source] names no file", file=config.path, remedy=remedy)
    raw = read_table(config.folder / first)
    shape = guess.shape_of(config, raw)
    config = guess.completed(config, raw, shape)
    if shape == "stage_dates":
        config, tables = stage_dates.read(config, raw)
    else:
        other: Raw | None = None
        if deals is not None and history is not None and deals != history:
            other = read_table(config.folder / deals)
        config, tables = canonical.read(config, raw, other)
    names = (*tables.columns, *(column.split(": ")[-1] for column in tables.columns.values()), *tables.unused)
    rows.check_replace(config, (*names, "stage"))
    return config, tables


def configured(path: Path) -> Config:
    """The Config for a funnel file, a folder or a bare file of rows, before the files of rows are read."""
    if path.is_dir():
        if (path / FUNNEL_FILE).is_file():
            return read_config(path / FUNNEL_FILE)
        found = {name: _one(path, name) for name in ("deals", "stage_history")}
        if not any(found.values()):
            remedy = f"Put {FUNNEL_FILE} there, or deals.csv and stage_history.csv."
            raise FunnelError("there is no funnel in this folder", file=path, remedy=remedy)
        return _bare(path / FUNNEL_FILE, **found)
    if path.suffix.lower() == ".toml":
        return read_config(path)
    return _bare(path, deals=path.name)


def _one(folder: Path, stem: str) -> str | None:
    """The file of rows named `stem` in a folder."""
    return next((stem + suffix for suffix in SUFFIXES if (folder / (stem + suffix)).is_file()), None)


def _bare(path: Path, **files: str | None) -> Config:
    config = Config().with_source(**files)
    config._path = path
    return config


def _files(config: Config) -> tuple[str | None, str | None]:
    """(deals, stage_history): one of them is None where there is one file."""
    return config.source.deals, config.source.stage_history
