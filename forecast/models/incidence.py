"""How visits end, given hazards that are constant within age bins: conversion and lead time."""

from __future__ import annotations

import numpy as np

from forecast.history import Floats

HALVINGS = 40  # of an age bin, in search of the median: far below a second


def conversion_and_lead_time(onwards: Floats, total: Floats, weights: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """(draws,) share of visits that ended onwards by the age edges[-1], and the median age in days at which those did.

    onwards, total: (draws, cells, B) hazards per day of the exits that lead onwards, and of all. weights: (cells,)
    shares of the visits. edges: (B + 1,) days, the last bin closed.

    Within an age bin the hazard is constant, H in all and h of leading onwards, so that of the S visits that reach it
    S * h / H * (1 - exp(-H * x)) have gone onwards x days later. The median is read off that curve: a straight line
    between the edges of its bin would put it too late.
    """
    spent = np.cumsum(total * np.diff(edges), axis=2)
    entering = weights[:, None] * np.exp(-np.concatenate([np.zeros_like(spent[:, :, :1]), spent[:, :, :-1]], axis=2))
    gained = (entering * _ended(onwards, total, np.diff(edges))).sum(axis=1)
    done = np.cumsum(gained, axis=1)
    half = done[:, -1] / 2
    place = np.minimum((done < half[:, None]).sum(axis=1), len(edges) - 2)
    row = np.arange(len(done))
    missing = half - (done - gained)[row, place]
    entering, onwards, total = (values[row, :, place] for values in (entering, onwards, total))
    low, high = edges[place], edges[place + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ended = (entering * _ended(onwards, total, (middle - edges[place])[:, None])).sum(axis=1)
        low, high = np.where(ended < missing, middle, low), np.where(ended < missing, high, middle)
    return done[:, -1], (low + high) / 2


def _ended(onwards: Floats, total: Floats, days: Floats) -> Floats:
    """Share that a constant hazard `onwards`, of `total` in all, has ended after some days."""
    return np.asarray(onwards / np.maximum(total, 1e-300) * -np.expm1(-total * days))
