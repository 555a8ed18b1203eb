"""The walk of one deal in plain Python, one line per rule: what the compiled kernel has to equal."""

from __future__ import annotations

import math
from statistics import NormalDist

from simulations import Draws, Kind

CLOCK, EXIT, AMOUNT, CLIENT, TEMPLATE, DAY, COUNT, FRAILTY = range(8)
GOLDEN = 0x9E3779B97F4A7C15


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def simulation_key(seed: int, simulation: int) -> int:
    return mix((mix((seed + GOLDEN) % 2**64) + (simulation + 1) * GOLDEN) % 2**64)


def path_key(simulation: int, deal: int) -> int:
    return mix((simulation + mix((deal + GOLDEN) % 2**64)) % 2**64)


def future_key(month: int, ordinal: int) -> int:
    return mix((0x6675747572650000 + (month << 40) + ordinal) % 2**64)


def follow_key(kind: int, ordinal: int) -> int:
    return mix((0x666F6C6C6F770000 + (kind << 40) + ordinal) % 2**64)


def uniform(path: int, purpose: int, visit: int = 0, attempt: int = 0) -> float:
    index = (visit << 35) + (attempt << 3) + purpose
    return ((mix((path + (index + 1) * GOLDEN) % 2**64) >> 12) + 0.5) / 2**52


def pick(cdf: list[float], u: float) -> int:
    return next((i for i, reached in enumerate(cdf) if reached > u), len(cdf) - 1)


def gamma(path: int, shape: float) -> float:
    """Marsaglia and Tsang (2000): visit 0 proposes, visit 1 accepts, visit 2 is for shapes below one."""
    d = max(shape, shape + (shape < 1)) - 1 / 3
    for attempt in range(10**6):
        x = NormalDist().inv_cdf(uniform(path, FRAILTY, 0, attempt))
        v = (1 + x / math.sqrt(9 * d)) ** 3
        if v > 0 and math.log(uniform(path, FRAILTY, 1, attempt)) < 0.5 * x * x + d - d * v + d * math.log(v):
            break
    return d * v * (uniform(path, FRAILTY, 2) ** (1 / shape) if shape < 1 else 1)


def frailty(draws: Draws, d: int, seed: int, client: int, path: int) -> float | None:
    """The multiplier of a known client, or of a client of the path's own; None where there is no frailty."""
    if draws.frailty is None:
        return None
    shape = rate = float(draws.frailty.shape[d])
    if client >= 0:
        exposure = draws.frailty.exposure
        path = path_key(simulation_key(seed, d), int(draws.frailty.key[client]))
        shape += float(draws.frailty.exits[client])
        rate += float(exposure[min(d, len(exposure) - 1), client])
    return gamma(path, shape) / rate if math.isfinite(rate) else 1.0


def walk(
    draws: Draws, d: int, path: int, stage: int, age: float, cell: int, time: float = 0.0, z: float | None = None,
    exits_made: list[tuple[int, int]] | None = None,
) -> tuple[float, int] | None:  # fmt: skip
    """(days since the origin, month) of the win of a deal, or None if it is not won by the horizon.

    z: frailty of the client. exits_made: to which (month, exit) of every exit is appended.
    """
    funnel, edges, months = draws.funnel, list(draws.funnel.age_edges), list(draws.month_edges)
    visit, spent = 0, None
    while True:
        exits = range(funnel.first_exit[stage], funnel.first_exit[stage + 1])
        peaks = {j: max(draws.calendar[d, funnel.kinds[j]]) for j in exits}
        acted = [j for j in exits if z is None or funnel.kinds[j] in (Kind.ADVANCE, Kind.WON)]
        halves = [acted, [j for j in exits if j not in acted]]
        tops = [max((draws.effect[d, j, cell] for j in half), default=0.0) for half in halves]
        weights, bound = ([1.0, 0.0], tops[0]) if z is None else ([z * tops[0], tops[1]], 1.0)
        parts = [[sum(draws.hazard[d, j, b] * peaks[j] for j in half) for b in range(len(edges))] for half in halves]
        sums = [[0.0], [0.0]]
        for part, total in zip(parts, sums, strict=True):
            for b in range(1, len(edges)):
                total.append(total[b - 1] + part[b - 1] * (edges[b] - edges[b - 1]))
        rate = [weights[0] * a + weights[1] * b for a, b in zip(*parts, strict=True)]
        grown = [weights[0] * a + weights[1] * b for a, b in zip(*sums, strict=True)]
        if spent is None:  # the integral of the bound at the age that the deal has
            b = max(b for b in range(len(edges)) if edges[b] <= age)
            spent = grown[b] + (age - edges[b]) * rate[b]
        for attempt in range(10**6):
            if bound == 0:
                return None
            spent -= math.log(uniform(path, CLOCK, visit, attempt)) / bound
            b = max(b for b in range(len(edges)) if grown[b] < spent)  # bins are (lower, upper]
            if rate[b] == 0:
                return None
            reached = edges[b] + (spent - grown[b]) / rate[b]
            time, age = time + max(reached - age, 2**-20), reached
            if time > months[-1]:
                return None
            month = max(m for m in range(len(months)) if months[m] < time)
            level, total, taken = uniform(path, EXIT, visit, attempt) * bound * rate[b], 0.0, None
            for j in exits:
                force = draws.hazard[d, j, b] * draws.effect[d, j, cell] * draws.calendar[d, funnel.kinds[j], month]
                total += force * (z if z is not None and j in acted else 1.0)
                if level < total:
                    taken = j
                    break
            if taken is not None:
                break
        if exits_made is not None:
            exits_made.append((month, taken))
        stage = funnel.exits[taken][1]
        if stage == funnel.won:
            return time, month
        visit, age, spent = visit + 1, 0.0, None


def amount(draws: Draws, d: int, path: int, stage: int, cell: int, known: int) -> int:
    """Won amount, minor units; stage: where the deal was at the origin or at its creation."""
    u, kept = uniform(path, AMOUNT), draws.amount_kept[d, stage]
    if known < 0:
        z = NormalDist().inv_cdf(u)
        return math.floor(math.exp(draws.amount_log_mean[d, cell] + draws.amount_log_sd[d, cell] * z) + 0.5)
    if u < kept:
        return known
    v = (u - kept) / (1 - kept)
    laplace = math.log(2 * v) if v < 0.5 else -math.log(2 * (1 - v))
    return math.floor(known * math.exp(draws.amount_shift[d, stage] + draws.amount_scale[d, stage] * laplace) + 0.5)
