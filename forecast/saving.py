"""A fit on disk: `posterior.nc` holds the arrays, labelled, `fit.json` all the rest. Nothing in it is code.

The history is no part of it: data stay where they are, and the posterior answers for any later state of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray

from forecast.arviz_adapter import Groups, from_netcdf, inference_data, posterior_group, posterior_values, to_netcdf
from forecast.coding import Bands, Coding
from forecast.errors import FunnelError
from forecast.exposure import Exposure
from forecast.fit import Fit, Health
from forecast.history import History
from forecast.models.design import Design
from forecast.models.exits import kinds_present
from forecast.outputs import write_bytes, write_text
from simulations import Funnel, Kind

ARRAYS, REST = "posterior.nc", "fit.json"
FORMAT = 1
DIMS = {
    "log_hazard": ("exit", "age"),
    "log_calendar": ("kind", "month"),
    "calendar_size": ("kind", "calendar_part"),
    "effect": ("exit", "coefficient"),
    "log_arrival_rate": ("month",),
    "log_amount": ("amount_coefficient",),
}
DATA = {
    "days_at_risk": ("state", "age", "past_month", "cell"),
    "exits_by_age": ("exit", "age"),
    "exits_by_month": ("exit", "past_month"),
    "exits_by_cell": ("exit", "cell"),
    "month_edges": ("month_edge",),
}


def to_arviz(fit: Fit) -> Any:
    """The posterior and the data that it was given, for ArviZ's plots and summaries."""
    return inference_data(_groups(fit))


def save(fit: Fit, folder: Path) -> None:
    """Write the fit into a folder, which is made; FunnelError where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FunnelError(f"this folder cannot be made ({error.strerror})", file=folder) from None
    funnel, cells = fit.exposure.funnel, fit.exposure.cells
    arrays = to_netcdf(_groups(fit))
    rest = {
        "format": FORMAT,
        "arrays": _digest(arrays),
        "states": funnel.stages,
        "exits": funnel.exits,
        "cells": {"columns": list(cells.columns), "rows": cells.to_numpy(dtype=object).tolist()},
        "coefficient_group": fit.design.group.tolist(),
        "coding": asdict(fit.coding),
        "fitted": fit.fitted.isoformat(),
        "chains": fit.chains,
        "assumed": fit.assumed,
        "health": asdict(fit.health),
    }
    write_bytes(folder / ARRAYS, arrays)
    write_text(folder / REST, json.dumps(rest, indent=2, ensure_ascii=False) + "\n")


def load(folder: Path, history: History) -> Fit:
    """The fit in a folder, asked about a history: that of the fit, or a later one of the same funnel.

    The same posterior and the same history give the same Draws, to the bit. Raises FunnelError where the folder
    holds no fit, or the history is none that it can be asked about (see Fit.with_history).
    """
    rest = _read(folder / REST)
    path = folder / ARRAYS
    try:
        digest = _digest(path.read_bytes())
    except OSError as error:
        raise FunnelError(f"the arrays of the fit cannot be read ({error.strerror})", file=path) from None
    if digest != rest["arrays"]:
        raise FunnelError(f"these are not the arrays that {REST} was written with", file=path, remedy="Fit again.")
    groups = from_netcdf(path, ["posterior", "constant_data"])
    posterior, data = groups["posterior"], groups["constant_data"]
    exits = tuple((here, there) for here, there in rest["exits"])
    names = rest["cells"]["columns"]
    cells = pd.DataFrame(rest["cells"]["rows"], columns=names, index=range(data.sizes["cell"]))
    exposure = Exposure(
        funnel=Funnel(tuple(rest["states"]), exits, data["age"].values),
        cells=cells,
        **{name: data[name].values for name in DATA},
    )
    fit = Fit(
        history=history,
        exposure=exposure,
        cell_of_deal=np.zeros(0, dtype=np.int64),
        design=Design(data["design"].values, np.array(rest["coefficient_group"], dtype=np.int64)),
        months=pd.DatetimeIndex(posterior["month"].values),
        posterior=posterior_values(posterior),
        health=Health(**rest["health"]),
        coding=_coding(rest["coding"]),
        fitted=pd.Timestamp(rest["fitted"]),
        chains=rest["chains"],
        assumed=rest["assumed"],
        kept=True,
    )
    return fit.with_history(history)


def _groups(fit: Fit) -> Groups:
    exposure, funnel, seen = fit.exposure, fit.exposure.funnel, len(fit.exposure.cells)
    coefficients = _coefficients(fit)
    labels = {
        "state": list(funnel.stages),
        "exit": [f"{funnel.stages[here]} > {funnel.stages[there]}" for here, there in funnel.exits],
        "kind": [Kind(kind).name.lower() for kind in kinds_present(exposure)],
        "calendar_part": ["quarter", "drift", "shock", "season"][: fit.posterior["calendar_size"].shape[-1]],
        "age": funnel.age_edges,
        "month": fit.months.as_unit("ns"),
        "past_month": fit.months[: exposure.exits_by_month.shape[1]].as_unit("ns"),
        "cell": [", ".join(str(value) for value in row) for row in exposure.cells.to_numpy(dtype=object)],
        "coefficient": coefficients,
        "amount_coefficient": ["level", *coefficients],
    }
    data = {name: (dims, getattr(exposure, name)) for name, dims in DATA.items()}
    data["design"] = (("coefficient", "cell"), fit.design.matrix[:, :seen])
    known = xarray.Dataset(data)
    known = known.assign_coords({dim: label for dim, label in labels.items() if dim in known.sizes})
    return {"posterior": posterior_group(fit.posterior, fit.chains, DIMS, labels), "constant_data": known}


def _coefficients(fit: Fit) -> list[str]:
    """The attribute of each coefficient, numbered where it has several: contrasts that sum to zero over its levels."""
    names = list(fit.exposure.cells.columns)
    group = fit.design.group
    number = [int((group[:i] == group[i]).sum()) for i in range(len(group))]
    several = np.bincount(group, minlength=len(names)) > 1
    return [f"{names[g]} {n + 1}" if several[g] else names[g] for g, n in zip(group, number, strict=True)]


def _coding(plain: dict[str, Any]) -> Coding:
    bands, apart = plain["bands"], plain["apart"]
    if bands is not None:
        bands = Bands(tuple(bands["edges"]), tuple(bands["scores"]), bands["usual"])
    return Coding(
        tuple(plain["attributes"]), bands, plain["existing"], plain["frailty"], None if apart is None else tuple(apart)
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        rest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        written = rest["format"]
    except OSError as error:
        raise FunnelError(f"no fit can be read here ({error.strerror})", file=path) from None
    except (ValueError, KeyError, TypeError):
        raise FunnelError("this is not the description of a fit", file=path) from None
    if written != FORMAT:
        raise FunnelError(f"this fit is of format {written}, not {FORMAT}", file=path, remedy="Fit again.")
    return rest


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
