"""Keyed random numbers: every uniform is a pure function of what it is for, none depends on what came before.

A path is keyed by (seed, simulation, deal); its numbers by (visit, attempt, purpose). A deal therefore meets
the same numbers on any thread, in any order and beside any other deals. The mixing function is the finaliser
of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", with the constants
of Stafford's variant 13); number i of a path is output i of a SplitMix64 generator seeded with its key.

Distributions are reached by inverse CDF of one uniform each, so that a small change of a parameter is a small
change of the outcome (common random numbers).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulations.compiling import compiled

# What a number is for: three bits of its index.
CLOCK, EXIT, AMOUNT, CLIENT, TEMPLATE, DAY, COUNT, FRAILTY = (np.uint64(i) for i in range(8))
NEXT_ATTEMPT = np.uint64(1 << 3)
VISIT_BITS = np.uint64(35)  # 3 bits purpose, 32 bits attempt, 29 bits visit
ONE = np.uint64(1)
_ACCEPT, _POWER = np.uint64(1 << 35), np.uint64(2 << 35)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# What the state of a path grows by, to come to a number's purpose, the next attempt, the next visit.
STEP_CLOCK, STEP_EXIT = _GOLDEN, np.uint64(2 * int(_GOLDEN) % 2**64)
STEP_ATTEMPT, STEP_VISIT = np.uint64(8 * int(_GOLDEN) % 2**64), np.uint64(int(_GOLDEN) * 2**35 % 2**64)
_S1, _S2, _S3, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
_S_EXPONENT = np.uint64(52)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_ONE_BITS = np.uint64(0x3FF0000000000000)
_FUTURE = np.uint64(0x6675747572650000)  # sets the keys of future deals apart from hashes of open ones
_FOLLOW = np.uint64(0x666F6C6C6F770000)  # the same for deals that follow a won one
_MONTH_BITS = np.uint64(40)


@compiled
def mix(z: np.uint64) -> np.uint64:
    """A bijection of 64-bit integers in which every input bit flips every output bit half of the time."""
    z = (z ^ (z >> _S1)) * _M1
    z = (z ^ (z >> _S2)) * _M2
    return z ^ (z >> _S3)


@compiled
def simulation_key(seed: np.uint64, simulation: np.uint64) -> np.uint64:
    return mix(mix(seed + _GOLDEN) + (simulation + ONE) * _GOLDEN)


@compiled
def path_key(simulation: np.uint64, deal: np.uint64) -> np.uint64:
    """Key of one deal's path in one simulation (`simulation` is a simulation_key)."""
    return mix(simulation + hashed(deal))


@compiled
def hashed(key: np.uint64) -> np.uint64:
    """What path_key makes of a deal's key before it meets the simulation."""
    return mix(key + _GOLDEN)


@compiled
def hashed_all(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`hashed` of every key."""
    hashes = np.empty(len(keys), np.uint64)
    for i in range(len(keys)):
        hashes[i] = hashed(keys[i])
    return hashes


@compiled
def future_key(month: np.uint64, ordinal: np.uint64) -> np.uint64:
    """Key of the future deal number `ordinal` of a month; the count of a month has a key of its own."""
    return mix(_FUTURE + (month << _MONTH_BITS) + ordinal)


@compiled
def follow_key(kind: np.uint64, ordinal: np.uint64) -> np.uint64:
    """Key of the deal number `ordinal` of a kind that follows a won one; path_key(path of the won one, this)
    is its path."""
    return mix(_FOLLOW + (kind << _MONTH_BITS) + ordinal)


@compiled
def uniform(path: np.uint64, index: np.uint64) -> float:
    """Number `index` of a path, in the open interval (0, 1): the midpoints of 2**52 equal intervals.

    Index: visit << VISIT_BITS | attempt << 3 | purpose.
    """
    return unit(mix(path + (index + ONE) * _GOLDEN))


@compiled
def unit(bits: np.uint64) -> float:
    """The number in (0, 1) that 64 random bits stand for."""
    return (float(bits >> _S12) + 0.5) * 2.0**-52


@compiled
def pick(cdf: NDArray[np.float64], draw: int, u: float) -> int:
    """The first column of a row whose cumulative probability exceeds u (the last one if none does)."""
    low, high = 0, cdf.shape[1] - 1
    while low < high:
        middle = (low + high) // 2
        if cdf[draw, middle] > u:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def exponential(u: float) -> float:
    """-log(u) for 0 < u < 1 as in fdlibm's e_log.c (Sun 1993), error below one unit in the last place.

    Written out because it is free of branches and calls: over a block of deals it is done several at a time.
    """
    bits = np.float64(u).view(np.uint64)
    exponent = np.int64(bits >> _S_EXPONENT) - 1023
    mantissa = np.uint64((bits & _MANTISSA) | _ONE_BITS).view(np.float64)  # in [1, 2)
    high = mantissa > 1.4142135623730951
    mantissa = mantissa * 0.5 if high else mantissa
    power = float(exponent + 1 if high else exponent)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
    odd = 0.6666666666666735130 + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591))
    half = 0.5 * f * f
    small = s * (half + z * odd + even) + power * 1.90821492927058770002e-10
    return (half - small - f) - power * 6.93147180369123816490e-01


@compiled
def laplace_quantile(u: float) -> float:
    """Quantile of the standard Laplace distribution."""
    return math.log(2 * u) if u < 0.5 else -math.log(2 * (1 - u))


@compiled
def count_quantile(u: float, mean: float, shape: float) -> int:
    """Quantile of the negative binomial of variance mean + mean**2 / shape, which is Poisson if shape is inf.

    Sums the probabilities from zero by their recursion
    p(k+1) / p(k) = mean / (k+1) * (k+shape) / (mean+shape).
    The sum is kept in a unit of which the logarithm is known, so that it begins at p(0) however small.
    """
    poisson = math.isinf(shape)
    log_unit = -mean if poisson else -shape * math.log1p(mean / shape)
    unit, mass, total, k = math.exp(log_unit), 1.0, 1.0, 0
    while total * unit < u:
        odds = mean / (k + 1)
        if not poisson:
            odds *= (k + shape) / (mean + shape)
        mass *= odds
        k += 1
        if k > mean and mass < total * 1e-17:  # the tail is beyond the precision of the sum
            break
        total += mass
        if total > 1e250:
            mass *= 1e-250
            total *= 1e-250
            log_unit += 250 * math.log(10.0)
            unit = math.exp(log_unit)
    return k


@compiled
def gamma(path: np.uint64, shape: float) -> float:
    """A gamma variate of scale one: Marsaglia and Tsang (2000), its numbers keyed by their attempt.

    More than 95 % of first attempts are accepted, where the variate is smooth in `shape`: a small change of
    the parameter is a small change of the outcome. The visit bits tell the proposal (0), its acceptance (1)
    and the power for shapes below one (2) apart.
    """
    power: float = 1.0
    d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    index = FRAILTY
    while True:
        x = normal_quantile(uniform(path, index))
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(uniform(path, index | _ACCEPT)) < 0.5 * x * x + d - d * v + d * math.log(v):
            break
        index += NEXT_ATTEMPT
    if shape < 1.0:
        power = uniform(path, FRAILTY | _POWER) ** (1.0 / shape)
    return d * v * power


@compiled
def _ratio(x: float, above: tuple[float, ...], below: tuple[float, ...]) -> float:
    p, q = above[7], below[7]
    for i in range(6, -1, -1):
        p = p * x + above[i]
        q = q * x + below[i]
    return p / q


@compiled
def normal_quantile(u: float) -> float:
    """Quantile of the standard normal: algorithm AS 241, PPND16 (Wichura 1988), accurate to about 1e-16."""
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(0.180625 - q * q, _A, _B)
    r = math.sqrt(-math.log(u if q < 0 else 1 - u))
    x = _ratio(r - 1.6, _C, _D) if r <= 5 else _ratio(r - 5, _E, _F)
    return -x if q < 0 else x


_A = (
    3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3,
    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
    3.3430575583588128105e4, 2.5090809287301226727e3,
)  # fmt: skip
_B = (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
    5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
    2.8729085735721942674e4, 5.2264952788528545610e3,
)  # fmt: skip
_C = (
    1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
    3.64784832476320460504, 1.27045825245236838258, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4,
)  # fmt: skip
_D = (
    1.0, 2.05319162663775882187, 1.67638483018380384940,
    6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
    5.47593808499534494600e-4, 1.05075007164441684324e-9,
)  # fmt: skip
_E = (
    6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7,
)  # fmt: skip
_F = (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
    1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
    1.42151175831644588870e-7, 2.04426310338993978564e-15,
)  # fmt: skip
