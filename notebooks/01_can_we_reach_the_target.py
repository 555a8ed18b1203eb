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
# # Can we reach the target?
#
# A sales funnel is full of deals that may or may not be won, sooner or later, and others that do not exist
# yet. Adding up the pipeline, or weighting it by stage, gives one number that is hardly ever right. This
# notebook gives a *chance* instead: it learns from the history of your deals how they convert and how long
# they take, plays the rest of the period thousands of times, and counts how often the target is reached.
#
# Run it from top to bottom (*Run > Run All Cells*). It takes about a minute. Every number below comes from the
# data; nothing is typed in.
#
# **What to change:** the two lines below. `source` is a sample that comes along (`maven`, `b2b`) or the path
# of your own funnel file. `draws` is the number of simulated futures: a few hundred for a first look, some
# thousands for a figure that you quote.

# %% tags=["parameters"]
source = "maven"
draws = 2000

# %% [markdown]
# ## What is known
#
# The funnel file says where the deals are, what the stages are called, and what is asked. Rows that cannot be
# used are set aside, each with its reason; none disappears silently.

# %%
from importlib.resources import files
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

from forecast import plots
from forecast.answer import ask
from forecast.kept import kept_for
from forecast.outputs import finite
from forecast.question import question_from
from forecast.sources import load
from forecast.words import day, money, percent

sample = Path(str(files("forecast") / "samples" / source))
config, tables = load(sample if sample.is_dir() else source)
question = question_from(config, tables, draws=draws)

print(f"{tables.ledger.read:,} rows read = {tables.ledger.used:,} used + {tables.ledger.set_aside:,} set aside")
print(f"{len(tables.deals):,} deals, recorded up to but not including {day(str(tables.recorded_until.date()))}")
print(f"The question is asked as of {day(str(question.origin))}: nothing from that day on is used.")

# %% [markdown]
# ## The answer

# %%
answer = ask(config, tables, question, fits=kept_for(config))
summary = finite(answer.summary)  # None for what these data cannot tell
asked = summary["periods"]

Markdown("\n\n".join(f"**{plots.sentence(answer, number)}**" for number in range(len(asked))))

# %% [markdown]
# ## How far from the target can it end?
#
# Each bar counts the simulated futures in which the period brings that much revenue: what is won already plus
# what is still to come. Blue futures reach the target, grey ones fall short, and the blue share *is* the
# chance. A wide picture means that the history leaves much open; no forecast can honestly be narrower.
#
# If the records go on past the end of the period, the picture also shows what really happened. Judge one
# outcome with care: of all targets with a chance of one in three, about a third *should* be reached.

# %%
plots.revenue(answer)

# %% [markdown]
# ## When does it come in?
#
# The same futures, added up month by month. The band opens from what is won at the origin; where the line of
# the target runs through it, the end of the period is still undecided. Ending a month below the light band
# happens in one future of ten: rare enough to ask what has changed.

# %%
plots.fan(answer)

# %% [markdown]
# ## Which stage holds it back?
#
# How many deals wait in each stage, which share of those that enter a stage moves on (or is won), and how many
# days that takes. Deals that are still open are counted for what they tell so far: leaving them out would make
# every stage look faster than it is.

# %%
plots.funnel(answer)

# %% [markdown]
# ## What the words mean
#
# - **P10, P50, P90**: one future in ten is lower than P10, half are lower than P50, nine in ten are lower than
#   P90. Plan costs on P10, expect P50, prepare capacity for P90.
# - **Gap**: the target minus what is won to date.
# - **RTV**: the value of all open deals that are *viable*, at or past the stage at which the client has
#   committed to invest. Where a deal has no amount yet, it counts with what deals like it bring.
# - **Funnel factor**: RTV divided by the gap. How high it has to be depends on how much of the funnel converts
#   in time, so look at the chance, not at a rule of thumb.
# - **From deals so far, from deals to come**: what is still expected from deals created before the day of the
#   question, and from deals that will only be created afterwards.
# - **Without the largest client**: the chance if the client that is expected to bring most brought nothing
#   more.


# %% jupyter={"source_hidden": true}
def column(period: dict) -> dict[str, str]:
    clients, factor, actual = period["clients"], period["funnel_factor"], period["actual"]
    without = clients["p_hit_without_largest"]
    return {
        "Chance of the target": percent(period["p_hit"]),
        "Target": money(period["target"]),
        "Won to date": money(period["won_to_date"]),
        "Gap": money(period["gap"]),
        "P10": money(period["p10"]),
        "P50": money(period["p50"]),
        "P90": money(period["p90"]),
        "RTV": money(period["rtv"]),
        "Funnel factor": "–" if factor is None else f"{factor:.2f}",
        "From deals so far": money(period["from_open"]),
        "From deals to come": money(period["from_new"]),
        "Largest client": clients["largest"] or "–",
        "Chance without the largest client": "–" if without is None else percent(without),
        "What really happened": "not known yet" if actual is None else money(actual["revenue"]),
    }


pd.DataFrame({period["period"]: column(period) for period in asked})

# %% [markdown]
# ## How far to trust it
#
# Before anything is simulated, the fit is checked: whether the sampling has settled, and whether the model
# gives back the months that it has seen. A fit that fails is an error, not a footnote. Still, the answer
# assumes that the future resembles the past: a new product, a price change or a new team is not in it unless
# it has left traces in the deals.

# %%
fit, new = summary["fit"], summary["new_deals"]
print(f"Model check: {fit['message']}.")
print(f"New deals: {new['expected_per_month']:,.0f} a month expected, {new['recent_per_month']:,.0f} lately.")
print(f"Simulated futures: {len(answer.outcomes.won):,}, seed {summary['seed']}, as of {day(summary['origin'])}.")

# %% [markdown]
# ## Next steps
#
# - **Your own deals**: in a terminal, `funnel init deals.csv` drafts a funnel file from an export and
#   `funnel check funnel.toml` says what was understood; then set `source` above to the path of that file.
# - **Another question**: `question_from(config, tables, as_of="2017-11-01", period="2017Q4", target=3_000_000)`
#   asks as of another day, about another period or target.
# - **Single deals**: `ask(config, tables, question, deal_detail=True).deals()` is a table with each open deal's
#   chance and likely closing dates.
# - **All simulations**: `answer.samples()` has the amount won in every simulated future and month.
