"""The whole model: its PyMC definition, its raw parameters, and what they stand for.

Exits with frailty, arrivals and amounts share no parameter: they are three parts, each with its own density, which
are sampled one by one. What is sampled is the compiled density of each; `check` compares their sum with the
definition, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pymc as pm
from pytensor.compile.mode import Mode

from forecast.history import Floats
from forecast.models.amounts import add_amounts
from forecast.models.arrivals import add_arrivals, future_arrivals
from forecast.models.calendar import expand_calendar, future_calendar
from forecast.models.clients import add_clients
from forecast.models.density import Terms, amounts_density, arrivals_density, bind, exits_density
from forecast.models.exits import add_exits
from forecast.models.priors import LogSizes
from forecast.models.whiten import coloured

DENSITIES = (exits_density, arrivals_density, amounts_density)  # of the parts

# Relative to the terms summed: a million of them at most, each rounded to 1e-16 a few times.
ROUNDING = 1e-9


def define(terms: Terms) -> pm.Model:
    """The definition, readable in the functions called here."""
    with pm.Model(check_bounds=False) as model:
        add_exits(terms.exits)
        if has_clients(terms):
            add_clients(terms.clients, terms.exits)
        add_arrivals(terms.arrivals)
        if has_amounts(terms):
            add_amounts(terms.amounts)
    return model


def has_amounts(terms: Terms) -> bool:
    return terms.amounts.coefficients.centre.size > 0


def has_clients(terms: Terms) -> bool:
    return terms.clients.exits.size > 0


def initial_points(terms: Terms) -> list[dict[str, Floats]]:
    """Of each part, the raw parameters by name, in order, at their prior medians or at the centre of their block."""
    exits, arrivals, amounts = terms.exits, terms.arrivals, terms.amounts
    kinds = len(exits.calendar.centred)

    def of_each_kind(sizes: LogSizes) -> Floats:
        return np.tile(sizes.mean, (kinds, 1))

    parts = [
        {
            "log_calendar_size": of_each_kind(exits.calendar.sizes),
            "calendar_white": np.zeros(exits.calendar.months.centre.shape),
            "effect_white": np.zeros(exits.effect.centre.shape),
            "log_effect_size": of_each_kind(exits.effect_sizes),
            "profile_white": np.zeros(exits.profile.centre.shape),
        },
        {
            "log_arrival_size": arrivals.sizes.mean,
            "log_arrival_scatter": arrivals.scatter.mean,
            "arrival_white": np.zeros(arrivals.coefficients.centre.shape),
        },
    ]
    if has_clients(terms):
        parts[0]["log_frailty_variance"] = terms.clients.variance.mean
    if has_amounts(terms):
        parts.append({
            "log_amount_scatter": amounts.scatter.mean,
            "log_amount_size": amounts.sizes.mean,
            "amount_white": np.zeros(amounts.coefficients.centre.shape),
        })  # fmt: skip
    return parts


def initial_point(terms: Terms) -> dict[str, Floats]:
    """That of all parts."""
    return {name: value for part in initial_points(terms) for name, value in part.items()}


def flat(point: Mapping[str, Floats]) -> Floats:
    return np.concatenate([np.ravel(value) for value in point.values()])


def densities(terms: Terms) -> list[Callable[[Floats], tuple[float, Floats]]]:
    """Of each part, its log density and gradient at a raw vector, for one thread; the gradient is overwritten by the
    next call.
    """
    bound = bind(terms)

    def of(part: int, size: int) -> Callable[[Floats], tuple[float, Floats]]:
        density, slope = DENSITIES[part], np.empty(size)
        return lambda point: (density(point, slope, bound), slope)

    return [of(part, flat(start).size) for part, start in enumerate(initial_points(terms))]


def density_of_all(terms: Terms) -> Callable[[Floats], tuple[float, Floats]]:
    """The sum of the parts, at a raw vector of all of them; the gradient is a new array."""
    every = densities(terms)
    ends = np.cumsum([flat(part).size for part in initial_points(terms)])[:-1]

    def evaluate(point: Floats) -> tuple[float, Floats]:
        found = [density(part) for density, part in zip(every, np.split(point, ends), strict=True)]
        return sum(value for value, _ in found), np.concatenate([slope for _, slope in found])

    return evaluate


def by_name(terms: Terms, points: Floats) -> dict[str, Floats]:
    """(..., shape) of every raw parameter, given (..., n) raw vectors."""
    named, start = {}, 0
    for name, value in initial_point(terms).items():
        named[name] = points[..., start : start + value.size].reshape(*points.shape[:-1], *value.shape)
        start += value.size
    return named


def expand(terms: Terms, points: Floats) -> dict[str, Floats]:
    """(..., shape) of all that is used of a fit, the deterministics of the definition, given (..., n)."""
    exits, arrivals, raw = terms.exits, terms.arrivals, by_name(terms, points)
    size, calendar = expand_calendar(exits.calendar, raw["log_calendar_size"], raw["calendar_white"])
    log_sd = raw["log_effect_size"][..., exits.kind, :][..., exits.effect_group]
    log_sd = np.where(exits.fixed == 1, exits.fixed_log_size, log_sd)
    effect = coloured(exits.effect, raw["effect_white"]) * np.exp((1 - exits.centred) * log_sd)
    average = (exits.month_weights * calendar[..., exits.kind, :]).sum(axis=-1)
    average += (effect * (exits.cell_weights @ exits.effect_matrix.T)).sum(axis=-1)
    z = coloured(arrivals.coefficients, raw["arrival_white"])
    arrival_size = np.exp(raw["log_arrival_size"])
    z[..., 1:] *= arrival_size[..., arrivals.group]
    values = {
        "calendar_size": size,
        "log_calendar": calendar,
        "effect": effect,
        "log_hazard": coloured(exits.profile, raw["profile_white"]) - average[..., None],
        "arrival_shape": np.exp(-2 * raw["log_arrival_scatter"][..., 0]),
        "arrival_size": arrival_size,
        "arrival_effect": z,
        "log_arrival_rate": z[..., :1] + z[..., 1:] @ arrivals.matrix,
    }
    if has_amounts(terms):
        values["amount_scatter"] = np.exp(raw["log_amount_scatter"][..., 0])
        values["log_amount"] = coloured(terms.amounts.coefficients, raw["amount_white"])
    if has_clients(terms):
        values["frailty_shape"] = np.exp(-raw["log_frailty_variance"][..., 0])
    return values


def with_future(terms: Terms, posterior: Mapping[str, Floats], seed: int) -> dict[str, Floats]:
    """The posterior (draws, ...) with months after the origin: drawn given those before it, in every draw."""
    calendar, arrivals = (np.random.default_rng([seed, part]) for part in (0, 1))
    size, effect = posterior["arrival_size"], posterior["arrival_effect"]
    return {
        **posterior,
        "log_calendar": future_calendar(
            terms.exits.calendar, posterior["calendar_size"], posterior["log_calendar"], calendar
        ),
        "log_arrival_rate": future_arrivals(terms.arrivals, size, effect, arrivals),
    }


def check(model: pm.Model, terms: Terms) -> None:
    """That the compiled density and `expand` are what the definition says, at the initial point and at one beside it.

    Its derivatives are not looked at: wrong ones would slow the sampler down, and not mislead it.
    """
    start = initial_point(terms)
    shapes = {name: value.shape for name, value in start.items()}
    defined = {variable.name: variable.type.shape for variable in model.value_vars}
    if list(shapes.items()) != list(defined.items()):
        raise RuntimeError(f"the compiled model has the parameters {shapes}, its definition {defined}")
    names = [variable.name for variable in model.deterministics]
    outputs = [*model.logp(sum=False), *model.replace_rvs_by_values(model.deterministics)]
    evaluate = model.compile_fn(outputs, inputs=model.value_vars, mode=Mode("py", None), on_unused_input="ignore")
    centre = flat(start)
    points = centre + np.random.default_rng(0).uniform(-1, 1, (2, centre.size)) * [[0], [1]]
    found, evaluate_compiled = expand(terms, points), density_of_all(terms)
    named = by_name(terms, points)
    for i, point in enumerate(points):
        outcome = evaluate({name: value[i] for name, value in named.items()})
        parts, values = outcome[: -len(names)], dict(zip(names, outcome[-len(names) :], strict=True))
        expected, summed = (sum(float(how(part).sum()) for part in parts) for how in (np.asarray, np.abs))
        density, _ = evaluate_compiled(point)
        if not abs(density - expected) <= ROUNDING * summed:
            raise RuntimeError(f"the compiled density is {density!r}, its definition {expected!r}")
        if values.keys() != found.keys():
            raise RuntimeError(f"expanded are {sorted(found)}, defined {sorted(values)}")
        for name, value in values.items():
            if not np.allclose(
                found[name][i], value, rtol=ROUNDING, atol=ROUNDING * max(1, np.abs(value).max(initial=0))
            ):
                raise RuntimeError(f"{name} is expanded to other values than its definition gives")
