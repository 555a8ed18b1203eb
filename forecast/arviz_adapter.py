"""A posterior as ArviZ knows it: groups of labelled arrays, in memory or in a NetCDF file.

The one place that knows of both lines of ArviZ: up to 0.23 (the last for Python 3.11) groups are an InferenceData,
from 1.0 on a DataTree of xarray. The files are the same: each line reads those of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import arviz
import numpy as np
import xarray

from forecast.errors import FunnelError
from forecast.history import Floats

ENGINE: Final = "h5netcdf"  # groups need NetCDF 4
BEFORE_DATATREE = int(arviz.__version__.split(".")[0]) < 1
Groups = Mapping[str, xarray.Dataset]


def posterior_group(
    values: Mapping[str, Floats], chains: int, dims: Mapping[str, Sequence[str]], labels: Mapping[str, Any]
) -> xarray.Dataset:
    """Variables (draws, ...), the chains taking turns, as (chain, draw, ...) with their dims and labels by dim."""
    variables = {}
    for name, value in values.items():
        by_chain = value.reshape(len(value) // chains, chains, *value.shape[1:]).swapaxes(0, 1)
        own = dims.get(name, [f"{name}_{axis}" for axis in range(value.ndim - 1)])
        variables[name] = (("chain", "draw", *own), by_chain)
    found = xarray.Dataset(variables)
    index = {"chain": np.arange(chains), "draw": np.arange(found.sizes["draw"])}
    return found.assign_coords(index | {dim: label for dim, label in labels.items() if dim in found.sizes})


def posterior_values(group: xarray.Dataset) -> dict[str, Floats]:
    """The variables (draws, ...) again, the chains taking turns."""
    values = {str(name): np.swapaxes(group[name].values, 0, 1) for name in group.data_vars}
    return {
        name: np.ascontiguousarray(value.reshape(value.shape[0] * value.shape[1], *value.shape[2:]))
        for name, value in values.items()
    }


def inference_data(groups: Groups) -> Any:
    """What ArviZ's functions take."""
    if BEFORE_DATATREE:
        return arviz.InferenceData(**groups)
    return xarray.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})


def to_netcdf(groups: Groups) -> bytes:
    """A NetCDF file, as ArviZ's `from_netcdf` reads it. Data, mostly zeros, are compressed; draws, which do not get
    smaller for it, are not.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "groups.nc"
        for name, group in groups.items():
            small = (
                []
                if name == "posterior"
                else [variable for variable in group.data_vars if group[variable].ndim and group[variable].size]
            )
            packed = {variable: {"zlib": True, "complevel": 4} for variable in small}
            mode: Literal["a", "w"] = "a" if path.exists() else "w"
            group.to_netcdf(path, mode=mode, group=name, engine=ENGINE, encoding=packed)
        return path.read_bytes()


def from_netcdf(path: Path, names: Sequence[str]) -> dict[str, xarray.Dataset]:
    """The groups of these names, read into memory; FunnelError."""
    groups = {}
    for name in names:
        try:
            with xarray.open_dataset(path, group=name, engine=ENGINE) as group:
                groups[name] = group.load()
        except (OSError, KeyError) as error:
            raise FunnelError(
                f"this cannot be read as a posterior ({error})", file=path, remedy="Fit again, and save the fit."
            ) from None
    return groups
