# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How the model works
#
# For readers who know regression, and have not met survival analysis. The model is built up from one stage and one
# number, and every step shows the data it looks at and what it makes of them. Nothing is typed in: the same cells work
# for your own funnel.
#
# **What to change:** `source` is a sample (`maven`, `b2b`) or the path of your funnel file; `stage` is the number of
# the stage to look at, the first being 0.

# %% tags=["parameters"]
source = "maven"
stage = 0
draws = 2000

# %%
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import gamma

from forecast import explained
from forecast.answer import ask
from forecast.kept import kept_for
from forecast.plots import model as figures
from forecast.question import question_from
from forecast.rates import STATED_AGE, stage_rates
from forecast.sources import load
from simulations import Kind

sample = Path(str(files("forecast") / "samples" / source))
config, tables = load(sample if sample.is_dir() else source)
question = question_from(config, tables, draws=draws)
answer = ask(config, tables, question, fits=kept_for(config))
fit = answer.fit
history, exposure = fit.history, fit.exposure
name = history.states[stage]

# %% [markdown]
# ## 1. The data: visits
#
# A deal passes through stages. Each stay in one is a *visit*: when it began, how it ended (its *exit*: a later stage,
# Won, Lost ...) and after how many days. Visits that have not ended by the day of the question are the important ones:
# they say "not yet", and throwing them away would leave the fast ones only.

# %%
visits = history.visits
here = visits.state == stage
shown = pd.DataFrame(
    {
        "deal": history.deals["deal_id"].to_numpy()[visits.deal[here]],
        "days in stage": (visits.left - visits.entered)[here].round(1),
        "ended in": [history.states[to] if to >= 0 else "(still open)" for to in visits.to[here]],
    }
)
print(f"{len(shown):,} visits to {name}, as of {history.origin:%d %B %Y}:")
print(shown["ended in"].value_counts().to_string())
shown.sample(8, random_state=1).sort_index()

# %% [markdown]
# Dividing the won by all gives a "win rate" that is too low, as open deals may still be won. Dividing by the closed
# ones alone is wrong the other way wherever winning and losing take different times. The way out is to stop asking
# *whether* and ask *how fast*.
#
# ## 2. One number: exits per day at risk
#
# Every day that a deal spends in the stage is one day on which it could have left: a *day at risk*. Exits divided by
# days at risk is the *hazard*, the speed at which deals leave. Open visits count in full: each day on which nothing
# happened is in the denominator.
#
# If the hazard were one constant, the number of exits would be Poisson with mean hazard x days. That likelihood has
# a conjugate prior, so that the first posterior needs no sampler.

# %%
days_at_risk = exposure.days_at_risk[stage].sum()
exits = range(exposure.funnel.first_exit[stage], exposure.funnel.first_exit[stage + 1])
rows = []
for j in exits:
    counted = exposure.exits_by_age[j].sum()
    low, high = 100 * gamma.ppf([0.05, 0.95], 0.5 + counted) / days_at_risk
    to = history.states[exposure.funnel.exits[j][1]]
    rows.append((to, int(counted), 100 * counted / days_at_risk, low, high))
print(f"{days_at_risk:,.0f} days at risk in {name}")
pd.DataFrame(rows, columns=["exit to", "exits", "per 100 deals and day", "5 %", "95 %"]).round(3)

# %% [markdown]
# Several exits compete for each visit. Their hazards add up; the share of one among them is the chance that it is the
# one that happens, when something happens.
#
# ## 3. Age: the hazard is no constant
#
# A deal of three days is not a deal of ninety. So the days at risk are cut by the *age* of the visit, and with them
# the exits. This is the *exposure table*. It is all that the likelihood knows of the past: a Poisson count per row,
# with log(days at risk) as the offset. If you know Poisson regression, you know the core of this model. Its size does
# not grow with the number of deals.

# %%
table = explained.exposure_table(exposure)
table[table["stage"] == name].round(1).head(12)

# %% [markdown]
# With one free hazard per row, rare ages would be noise. A prior ties neighbouring ages together: the step of the log
# hazard from one bin to the next is logistic, small as a rule, with a tail that lets a cliff be a cliff. In the
# picture, circles are the plain counts and lines what the model makes of them. Where deals are many, they agree.

# %%
figures.hazards(fit, stage)

# %% [markdown]
# Whatever the shape is, one hump or two, an expiry after thirty days, deals that stall and are never heard of
# again, it needs no special case: it is a number per age.
#
# **From hazards to conversion and lead time.** Following a visit day by day through these hazards gives the share that
# has advanced by each age, the share that is lost, and the share that is still open; they sum to one. The share
# advanced at a high age is the *conversion rate*, and the median age of those that advance the *lead time*. Every
# posterior draw gives one of each, hence the interval.

# %%
rates = stage_rates(fit, stage)
for told, values, unit in (("conversion rate", 100 * rates.conversion, "%"), ("lead time", rates.lead_time, "days")):
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    print(f"{told} of {name}: {middle:.1f} {unit} (90 % interval {low:.1f} to {high:.1f})")
print(f"(visits still open after {STATED_AGE:.0f} days count as not converted)")

# %% [markdown]
# ## 4. The calendar: what all deals share
#
# Quarter ends, holidays and good months move all deals at once. The log hazard gets a term per month and kind of
# exit: a Gaussian process with the month of the fiscal quarter, a slow drift, shocks of its own for every month and,
# from two years on record on, the month of the year, each with a size learned from the data. Months to come (grey) are
# drawn given the past. This is the part that keeps the forecast honest: a thousand independent deals would average
# out, a bad December does not.

# %%
figures.months(fit, Kind.WON)

# %% [markdown]
# ## 5. Attributes: who sells what to whom
#
# Each level of an attribute (a seller, a region, a product) multiplies the hazards of each exit. Levels of one
# attribute share a distribution whose width is learned (*partial pooling*, a random effect): a seller with four deals
# is drawn towards the average, one with two hundred speaks for herself. The distance from circle to stroke is that
# pull.

# %%
attributes = [column for column in exposure.cells.columns if not column.startswith("(")]
print("Attributes in this fit:", ", ".join(exposure.cells.columns) or "none")
figures.levels(fit, attributes[0], Kind.WON) if attributes else None

# %% [markdown]
# A level's factor acts on the speed of one exit. A seller with a high factor for winning *and* for losing decides
# quickly; one with a high factor for winning alone converts well.
#
# ## 6. Clients
#
# Clients differ in ways that no column tells. Where the client of a deal is known from the beginning, all its
# advancing and winning is multiplied by one number of its own, the *frailty*, gamma distributed around one. All deals
# of a client share it, in every draw: if it is low, they fail together. That is what makes dependence on a large client
# visible. Where clients are known at the close only, using them would give the outcome away, and there is none.

# %%
if "frailty_shape" in fit.posterior:
    low, middle, high = np.quantile(1 / fit.posterior["frailty_shape"], (0.05, 0.5, 0.95))
    print(f"Variance of the frailty: {middle:.2f} (90 % interval {low:.2f} to {high:.2f}); at 0, clients are alike")
else:
    print("No frailty in this fit: the client is not known when a deal is created, or too few have several deals.")

# %% [markdown]
# ## 7. Deals that do not exist yet
#
# A large part of next quarter's revenue comes from deals that nobody has entered yet. Their number per month is
# negative binomial with a level that drifts, and a season where two years are on record. Attributes, client, amount
# and first stage of a new deal are those of a recent one, drawn together, so that what belongs together stays together.

# %%
figures.arrivals(fit)

# %% [markdown]
# ## 8. Is it any good?
#
# Three questions, in this order. *Did the sampler work?* R-hat near one says that independent chains agree. *Does the
# model give back what it has seen?* Exits of every stage and kind, by month and by age, are predicted with each month's
# own effect drawn anew, and compared with those counted. A fit that fails either is refused. *Does it forecast?* That
# only the past can tell, asked again day by day: see the notebook `06_can_i_trust_it`.

# %%
print(fit.health.told())

# %% [markdown]
# ## 9. From the posterior to the answer
#
# The posterior is a set of *draws*: each a complete set of hazards, months, levels and arrivals, as plausible as the
# data allow. For each draw, every open deal, at its present age, and every new deal is walked through the stages to the
# end of the period. What differs between draws is what we do not know; what differs within one is chance. The share
# of draws that reach the target is the answer.

# %%
asked = answer.summary["periods"][0]
won = answer.samples().groupby("simulation")["won"].sum()
print(f"{len(won):,} futures, of which {asked['p_hit']:.0%} bring {asked['target']:,.0f} or more in {asked['period']}")

# %% [markdown]
# **Where to read on.** The definition of the model in PyMC is in `forecast/models/` (`exits.py`, `calendar.py`,
# `clients.py`, `arrivals.py`, `amounts.py`), each file with its equations and sources. Piecewise constant hazards as
# Poisson counts: Holford (1980), Laird and Olivier (1981). Gamma frailty: Clayton (1978).
