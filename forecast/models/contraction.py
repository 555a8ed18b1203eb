"""The costly term of the exit likelihood, expected exits, and it as a PyTensor operation with its gradient.

    total = sum over s, b, m, c and exits j of s of
            days[s, b, m, c] * exp(base[j, b] + calendar[j, m] + effect[j, c])

Its derivatives are the expected exits by age, by month and by cell, so that one pass over the exposure gives
the value and all of them. Only entries with days at risk are visited: for a funnel of a thousand deals they
are a few per cent of the dense array, for one of a million nearly all, and never more.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from forecast.exposure import Exposure
from forecast.history import Floats
from simulations.compiling import compiled

T = TypeVar("T", bound=tuple[Any, ...])


def canonical(terms: T) -> T:
    """The same tuple with all arrays, also those of tuples within, writable and contiguous.

    Numba compiles anew for arrays that are not: this way there is one compilation of every function.
    """

    def one(term: Any) -> Any:
        if isinstance(term, tuple):
            return canonical(term)
        return np.require(term, requirements=["C", "W"]) if isinstance(term, np.ndarray) else term

    done = [one(term) for term in terms]
    return type(terms)(*done) if hasattr(terms, "_fields") else type(terms)(done)


class Rows(NamedTuple):
    """Days at risk as compressed rows: row r is (state, bin, month), entries start[r]:start[r + 1].

    Indices are unsigned, so that compiled code need not ask whether they count from the end.
    """

    first_exit: NDArray[np.uint32]  # (S + 1,)
    state: NDArray[np.uint32]  # (R,)
    age: NDArray[np.uint32]  # (R,)
    month: NDArray[np.uint32]  # (R,)
    start: NDArray[np.uint32]  # (R + 1,)
    cell: NDArray[np.uint32]  # (entries,)
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
    whole = [array.astype(np.uint32) for array in index]
    return Rows(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], dense[state, age, month, cell])


@compiled
def add_expected(
    rows: Rows, hazard: Floats, seasonal: Floats, multiplier: Floats, by_age: Floats, by_month: Floats, by_cell: Floats
) -> float:
    """Expected exits in all, and added to `by_age` (J, B), `by_month` (J, M) and `by_cell` (J, C).

    hazard (J, B), seasonal (J, M), multiplier (J, C): the exponentials of base, calendar and effect.
    by_cell is still to be multiplied by `multiplier`.
    """
    first_exit, cell, days = rows.first_exit, rows.cell, rows.days
    total = 0.0
    for row in range(rows.state.size):
        state, age, month = rows.state[row], rows.age[row], rows.month[row]
        start, end = rows.start[row], rows.start[row + 1]
        for j in range(first_exit[state], first_exit[state + np.uint32(1)]):
            rate = hazard[j, age] * seasonal[j, month]
            at_risk = 0.0
            for i in range(start, end):
                at_risk += days[i] * multiplier[j, cell[i]]
                by_cell[j, cell[i]] += days[i] * rate
            expected = at_risk * rate
            by_age[j, age] += expected
            by_month[j, month] += expected
            total += expected
    return total


@compiled
def _expected_exits(rows: Rows, base: Floats, calendar: Floats, effect: Floats) -> tuple[float, Floats, Floats, Floats]:
    by_age, by_month, by_cell = np.zeros_like(base), np.zeros_like(calendar), np.zeros_like(effect)
    multiplier = np.exp(effect)
    total = add_expected(rows, np.exp(base), np.exp(calendar), multiplier, by_age, by_month, by_cell)
    return total, by_age, by_month, by_cell * multiplier


def expected_exits(rows: Rows, *tables: Floats) -> tuple[float, Floats, Floats, Floats]:
    """Expected exits in all (a scalar), by age (J, B), by month (J, M) and by cell (J, C), given the logarithms
    base (J, B), calendar (J, M) and effect (J, C).
    """
    base, calendar, effect = canonical(tables)
    return _expected_exits(canonical(rows), base, calendar, effect)


class ExpectedExits(Op):  # type: ignore[misc]
    """`expected_exits` in a PyTensor graph: inputs and outputs as there; differentiable in the last three."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        variables = [pt.as_tensor(value) for value in inputs]
        return Apply(self, variables, [pt.dscalar(), pt.dmatrix(), pt.dmatrix(), pt.dmatrix()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        results = expected_exits(Rows(*inputs[:-3]), *inputs[-3:])
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
