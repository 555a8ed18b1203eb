"""The costly term of the exit likelihood, expected exits, as one PyTensor operation with its gradient.

    total = sum over s, b, m, c and exits j of s of
            days[s, b, m, c] * exp(base[j, b] + calendar[j, m] + effect[j, c])

Its derivatives are the expected exits by age, by month and by cell, so that one pass over the exposure gives
the value and all of them. Only entries with days at risk are visited: for a funnel of a thousand deals they
are a few per cent of the dense array, for one of a million nearly all, and never more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import numba_funcify

from forecast.exposure import Exposure


class Rows(NamedTuple):
    """Days at risk as compressed rows: row r is (state, bin, month), entries start[r]:start[r + 1]."""

    first_exit: NDArray[np.int32]  # (S + 1,)
    state: NDArray[np.int32]  # (R,)
    age: NDArray[np.int32]  # (R,)
    month: NDArray[np.int32]  # (R,)
    start: NDArray[np.int32]  # (R + 1,)
    cell: NDArray[np.int32]  # (entries,)
    days: NDArray[np.float64]  # (entries,)


def compressed(exposure: Exposure) -> Rows:
    """The days at risk, without their zeros."""
    dense = exposure.days_at_risk
    state, age, month, cell = np.nonzero(dense)
    new = np.ones(len(state), dtype=bool)
    new[1:] = (np.diff(state) != 0) | (np.diff(age) != 0) | (np.diff(month) != 0)
    begins = np.flatnonzero(new)
    start = np.append(begins, len(state))
    index = (exposure.funnel.first_exit, state[begins], age[begins], month[begins], start, cell)
    whole = [array.astype(np.int32) for array in index]
    return Rows(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], dense[state, age, month, cell])


# Compiled on import and at full optimisation, for the graph around it is compiled without (see fit.py).
_INDEX = nb.types.Array(nb.int32, 1, "C", readonly=True)
_DAYS = nb.types.Array(nb.float64, 1, "C", readonly=True)
_TABLE = nb.float64[:, ::1]
_SIGNATURE = nb.types.Tuple((nb.float64, _TABLE, _TABLE, _TABLE))(*6 * [_INDEX], _DAYS, *3 * [_TABLE])


@nb.njit(_SIGNATURE, cache=True, nogil=True)  # type: ignore[untyped-decorator]
def expected_exits(
    first_exit: Any, state: Any, age: Any, month: Any, start: Any, cell: Any, days: Any,
    base: Any, calendar: Any, effect: Any,
) -> Any:  # fmt: skip
    """Expected exits in all (a scalar), by age (J, B), by month (J, M) and by cell (J, C)."""
    by_age = np.zeros_like(base)
    by_month = np.zeros_like(calendar)
    by_cell = np.zeros_like(effect)
    hazard, seasonal, multiplier = np.exp(base), np.exp(calendar), np.exp(effect)
    total = 0.0
    for row in range(state.size):
        for j in range(first_exit[state[row]], first_exit[state[row] + 1]):
            rate = hazard[j, age[row]] * seasonal[j, month[row]]
            of_row = 0.0
            for i in range(start[row], start[row + 1]):
                expected = days[i] * rate * multiplier[j, cell[i]]
                by_cell[j, cell[i]] += expected
                of_row += expected
            by_age[j, age[row]] += of_row
            by_month[j, month[row]] += of_row
            total += of_row
    return total, by_age, by_month, by_cell


class ExpectedExits(Op):  # type: ignore[misc]
    """`expected_exits` in a PyTensor graph: inputs and outputs as there; differentiable in the last three."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        variables = [pt.as_tensor(value) for value in inputs]
        return Apply(self, variables, [pt.dscalar(), pt.dmatrix(), pt.dmatrix(), pt.dmatrix()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        results = expected_exits(*inputs)
        output_storage[0][0] = np.asarray(results[0])
        for place, result in zip(output_storage[1:], results[1:], strict=True):
            place[0] = result

    def infer_shape(self, *arguments: Any) -> Any:  # (graph, node, shapes) before PyTensor 3, then (node, shapes)
        return [(), *arguments[-1][-3:]]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        return [[False] * 4] * (len(node.inputs) - 3) + [[True, False, False, False]] * 3

    def pullback(self, inputs: Any, outputs: Any, output_gradients: Any) -> Any:
        given = [disconnected_type()] * (len(inputs) - 3)
        return [*given, *(output_gradients[0] * by for by in outputs[1:])]

    if not hasattr(Op, "pullback"):  # its name before PyTensor 3
        L_op = pullback


@numba_funcify.register(ExpectedExits)  # type: ignore[untyped-decorator]
def _compiled(op: Any, node: Any, **_: Any) -> Any:
    @nb.njit  # type: ignore[untyped-decorator]
    def run(
        first_exit: Any, state: Any, age: Any, month: Any, start: Any, cell: Any, days: Any,
        base: Any, calendar: Any, effect: Any,
    ) -> Any:  # fmt: skip
        tables = np.ascontiguousarray(base), np.ascontiguousarray(calendar), np.ascontiguousarray(effect)
        total, by_age, by_month, by_cell = expected_exits(
            first_exit, state, age, month, start, cell, days, tables[0], tables[1], tables[2]
        )
        return np.asarray(total), by_age, by_month, by_cell

    return run
