"""The sellers and the clients of a company, and deals drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.synthetic.company import Company

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class People:
    """Who sells and who buys, with the effects that they have for good."""

    seller_team: Ints  # (sellers,) index into company.teams
    seller_logit: Floats  # (sellers,)
    seller_log_time: Floats  # (sellers,)
    client_share: Floats  # (clients,) share of the deals
    client_segment: Ints  # (clients,)
    client_region: Ints  # (clients,) index into `regions`
    client_parent: Ints  # (clients,) index of the group, -1 for none
    client_logit: Floats  # (clients,)
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Deals:
    """Deals as created: (n,) each."""

    created: Floats  # days since 1970-01-01
    client: Ints
    seller: Ints  # -1 where the company has no sellers
    amount: Floats  # at creation, in units of the currency
    stage: Ints  # in which the deal is created
    logit: Floats  # the sum of the effects on conversion that stay with the deal
    log_time: Floats  # likewise on time


def draw_people(company: Company, rng: np.random.Generator) -> People:
    """Draw the sellers and the clients."""
    team = np.repeat(np.arange(len(company.teams)), [t.sellers for t in company.teams]).astype(np.int64)
    regions = tuple(dict.fromkeys(t.region for t in company.teams)) or ("",)
    n = company.clients
    share = np.arange(1, n + 1, dtype=np.float64) ** -company.client_zipf
    upper = np.cumsum([s.share for s in company.segments])
    parent = np.full(n, -1, dtype=np.int64)
    if company.parents:
        parent = np.where(rng.random(n) < 1 / 3, rng.integers(0, company.parents, n), -1)
    return People(
        seller_team=team,
        seller_logit=rng.normal(0.0, company.seller_logit, len(team)),
        seller_log_time=rng.normal(0.0, company.seller_log_time, len(team)),
        client_share=share / share.sum(),
        client_segment=np.searchsorted(upper, (np.arange(n) + 0.5) / n).clip(max=len(upper) - 1),
        client_region=rng.integers(0, len(regions), n),
        client_parent=parent,
        client_logit=rng.normal(0.0, company.client_logit, n),
        regions=regions,
    )


def draw_deals(company: Company, people: People, created: Floats, rng: np.random.Generator) -> Deals:
    """Draw client, seller, amount and first stage of deals created at the given times (n,)."""
    n = len(created)
    client = _choose(people.client_share, n, rng)
    segment = people.client_segment[client]
    seller = _draw_sellers(company, people, people.client_region[client], rng)

    wide = np.where(rng.random(n) < company.amount_tail, 2.0, 1.0)
    size = wide * rng.standard_normal(n)
    median = np.array([s.amount_median for s in company.segments])
    logit = np.array([s.logit for s in company.segments])[segment] + people.client_logit[client]
    log_time = np.array([s.log_time for s in company.segments])[segment].astype(np.float64)
    if len(people.seller_team):
        logit = logit + people.seller_logit[seller]
        log_time = log_time + people.seller_log_time[seller]
    return Deals(
        created=created,
        client=client,
        seller=seller,
        amount=round_amount(company, median[segment] * np.exp(company.amount_log_sd * size)),
        stage=_choose(np.array(company.first_stage), n, rng),
        logit=logit + company.size_logit * size,
        log_time=log_time + company.size_log_time * size,
    )


def round_amount(company: Company, amount: Floats) -> Floats:
    """Bring amounts into the company's range, in its steps."""
    step = company.amount_step
    return np.asarray(np.clip(np.round(amount / step), 1, None) * step).clip(*company.amount_range)


def _choose(share: Floats, n: int, rng: np.random.Generator) -> Ints:
    """Draw n indices with the given probabilities."""
    return np.searchsorted(np.cumsum(share)[:-1], rng.random(n), side="right").astype(np.int64)


def _draw_sellers(company: Company, people: People, region: Ints, rng: np.random.Generator) -> Ints:
    """Draw a seller of the client's region for each deal; -1 where the company has none."""
    u = rng.random(len(region))
    seller = np.full(len(region), -1, dtype=np.int64)
    if not company.teams:
        return seller
    names = np.array([t.region for t in company.teams])[people.seller_team]
    for i, name in enumerate(people.regions):
        here = region == i
        local = np.flatnonzero(names == name)
        seller[here] = local[(u[here] * len(local)).astype(np.int64)]
    return seller
