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
# # What if I change an assumption?
#
# Move a slider, and the whole funnel is simulated again: every open deal from the stage and age that it has, every
# deal to come, on the same random numbers. So what moves on the screen is the effect of the assumption, not luck.
#
# Run it from top to bottom (*Run > Run All Cells*), then scroll to the sliders.
#
# **What to change:** `source` is a sample (`maven`, `b2b`) or your own funnel file. `draws` is the number of
# simulated futures, `live` how many of them are simulated again at every move: few make the sliders quick, many make
# the chance exact. With 500, it is off by about two points; a *difference* between two settings is far more exact.

# %% tags=["parameters"]
source = "maven"
draws = 2000
live = 500

# %%
from importlib.resources import files
from pathlib import Path

from IPython.display import Markdown

from forecast import plots
from forecast.answer import ask
from forecast.explorer import Explorer
from forecast.kept import kept_for
from forecast.outputs import finite
from forecast.question import question_from
from forecast.sources import load

sample = Path(str(files("forecast") / "samples" / source))
config, tables = load(sample if sample.is_dir() else source)
question = question_from(config, tables, draws=draws)
answer = ask(config, tables, question, fits=kept_for(config))
summary = finite(answer.summary)
Markdown("\n\n".join(f"**{plots.sentence(answer, number)}**" for number in range(len(summary["periods"]))))

# %% [markdown]
# ## The sliders
#
# - **conversion**: points more (or fewer) of the deals that enter a stage move on from it or are won;
# - **lead time**: per cent more (or fewer) days until they do, from today on;
# - **new deals**, **amounts**: per cent more or fewer, higher or lower;
# - **lose a client**: its open deals are gone, and it brings no more;
# - **sellers who join**: each brings as many new deals as the average seller, from the next full month on.
#
# *Save* keeps the setting under a name, to compare with, and writes it to your funnel file as `[scenarios.NAME]`,
# where `funnel scenarios` and the notebook on scenarios find it. The samples' own files are left alone.

# %%
quick = question_from(config, tables, draws=live)
explorer = Explorer(ask(config, tables, quick, fitted=answer.fit.thinned(live), levers=False), config)
explorer.widget

# %% [markdown]
# ## Which assumption matters most?
#
# One step of each lever, one at a time. A long bar is where a better estimate, or better work, pays.

# %%
for number in range(len(summary["periods"])):
    plots.tornado(answer, number).show()

# %% [markdown]
# ## What a slider leaves as it is
#
# Each lever moves one thing. A better conversion in one stage sends more deals into the next, which converts as
# before; it does not make the deals larger or the clients more loyal. Discounts, say, move two sliders at once:
# amounts down, conversion up. Set both.
#
# The current setting, for a colleague or for the funnel file:

# %%
from forecast.exploring import as_toml

print(as_toml("what I tried", explorer.section()))
