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
# # On whom does it depend?
#
# Two funnels with the same chance can be very different: one rests on fifty clients, the other on a single signature.
# This notebook takes one client after the other out of every simulated future and looks at what is left of the
# chance.
#
# **What to change:** `source` is a sample (`maven`, `b2b`) or your own funnel file; `draws` is the number of
# simulated futures.

# %% tags=["parameters"]
source = "b2b"
draws = 2000

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
from forecast.words import chance, money, percent

sample = Path(str(files("forecast") / "samples" / source))
config, tables = load(sample if sample.is_dir() else source)
question = question_from(config, tables, draws=draws)
answer = ask(config, tables, question, fits=kept_for(config))
summary = finite(answer.summary)
asked = summary["periods"]

unknown = "clients are not known, or nothing is expected from them."
Markdown("\n\n".join(f"**{period['period']}**: {period['clients']['sentence'] or unknown}" for period in asked))

# %% [markdown]
# ## The chance without each of them
#
# The line is the chance with all clients. Each dot is the chance if that client brought nothing more: its open deals
# gone, and no new ones; what it has bought already stays.

# %%
for number, period in enumerate(asked):
    if period["gap"] > 0 and period["clients"]["table"]:
        plots.dependence(answer, number).show()

# %% [markdown]
# ## How concentrated is it?
#
# Shares of what is still expected. The *effective number* of clients is how many equally large ones would be as
# concentrated: 50 clients of which one brings most can be worth three.

# %%
concentration = {
    period["period"]: {
        "Largest client": percent(period["clients"]["shares"]["1"]),
        "3 largest": percent(period["clients"]["shares"]["3"]),
        "5 largest": percent(period["clients"]["shares"]["5"]),
        "Effective number of clients": f"{period['clients']['effective_number']:.1f}",
    }
    for period in asked
    if period["clients"]["table"]
}
pd.DataFrame(concentration)

# %% [markdown]
# ## Client by client
#
# - **Expected**: what is still to come from it on average. **Open**: the value of its open deals.
# - **Share of the shortfall**: of what is missing in the futures that miss the target, how much is missing because
#   this client brought less than expected. Over all clients it sums to one.
# - **To restore**: viable value from *other* clients that would bring the chance back, were this client lost.


# %% jupyter={"source_hidden": true}
def row(one: dict) -> dict[str, str]:
    restoring = one["restoring_value"]
    return {
        "Client": one["client"],
        "Share": percent(one["share"]),
        "Expected": money(one["expected"]),
        "Open": money(one["open_value"]),
        "Chance without": chance(one["p_hit_without"], one["p_hit_without_se"]),
        "Share of the shortfall": "–" if one["shortfall_share"] is None else f"{one['shortfall_share']:.0%}",
        "To restore": "–" if restoring is None else money(restoring),
    }


by_client = [row(one) for one in asked[0]["clients"]["table"]]
pd.DataFrame(by_client).set_index("Client") if by_client else Markdown(unknown.capitalize())

# %% [markdown]
# ## What to do with it
#
# - A client without whom the chance falls by a third needs a plan of its own, and a second contact in the house.
# - More deals *of the same client* do not make the forecast safer; deals of others do.
# - Where clients are only known once a deal is won, those of open deals are drawn from past ones: the picture is then
#   one of the usual mix, not of today's open deals.
