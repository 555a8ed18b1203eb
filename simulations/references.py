"""References to tuples of arrays: compiled functions get one pointer each in place of some seventy arrays.

Numba passes a tuple of arrays as one argument for every size and stride of every array, in every call, and
compiling then takes several times as long. Within compiled code, ParametersRef(*parameters) is a record that
holds the same fields; compiled functions state the tuple as their type, as its fields are what they use.
"""

from __future__ import annotations

from typing import Any

import numba as nb
from numba.experimental import structref

from simulations.arrays import Parameters, Plan, Rates, Sums, Table


@structref.register
class _ParametersType(nb.types.StructRef):  # type: ignore[misc]
    pass


@structref.register
class _PlanType(nb.types.StructRef):  # type: ignore[misc]
    pass


@structref.register
class _TableType(nb.types.StructRef):  # type: ignore[misc]
    pass


@structref.register
class _SumsType(nb.types.StructRef):  # type: ignore[misc]
    pass


@structref.register
class _RatesType(nb.types.StructRef):  # type: ignore[misc]
    pass


def _reference(fields: Any, type_: Any) -> Any:
    name = type(f"{fields.__name__}Ref", (), {})
    structref.define_constructor(name, type_, fields._fields)
    return name


ParametersRef = _reference(Parameters, _ParametersType)
PlanRef = _reference(Plan, _PlanType)
TableRef = _reference(Table, _TableType)
SumsRef = _reference(Sums, _SumsType)
RatesRef = _reference(Rates, _RatesType)
