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
# # What revenue should we plan?
#
# A plan needs more than one number: a low case that costs can rest on, a middle, a high case that capacity has to
# bear, month by month, and the same for every "what if" that is on the table. This notebook plays the scenarios of
# your funnel file, all on the same luck: two of them differ only by what they assume.
#
# **What to change:** `source` is a sample (`maven`, `b2b`) or your own funnel file; `draws` is the number of
# simulated futures. Scenarios stand in the funnel file, under `[scenarios.NAME]`.

# %% tags=["parameters"]
source = "maven"
draws = 2000

# %%
from importlib.resources import files
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

from forecast import plots
from forecast.answer import ask
from forecast.config_asked import ScenarioSection
from forecast.kept import kept_for
from forecast.outputs import finite
from forecast.question import question_from
from forecast.scenarios import scenarios
from forecast.sources import load
from forecast.words import chance, money, signed

sample = Path(str(files("forecast") / "samples" / source))
config, tables = load(sample if sample.is_dir() else source)
if not config.scenarios:  # one to begin with, until the funnel file has its own
    config = config.model_copy(update={"scenarios": {"New deals + 10 %": ScenarioSection(new_deals=0.1)}})
question = question_from(config, tables, draws=draws)
answer = ask(config, tables, question, fits=kept_for(config))
played, simulations = scenarios(answer.what_if, answer.fit, answer.scenario, config)
played, summary = finite(played), finite(answer.summary)

lines = [f"- **{one['name']}**: {'; '.join(one['changes']) or 'nothing changed'}" for one in played["scenarios"]]
Markdown("\n".join(lines))

# %% [markdown]
# ## By period
#
# One bar per scenario, from the low case (P10) to the high one (P90), with the middle as a diamond and the chance
# that the target is reached.

# %%
for number in range(len(summary["periods"])):
    plots.scenarios(played, summary["currency"], number).show()

# %% [markdown]
# The same in numbers. The change is that against *as it is*; its error is small, since luck is the same in both.


# %% jupyter={"source_hidden": true}
def row(name: str, of: dict) -> dict[str, str]:
    return {
        "Scenario": name,
        "Period": of["period"],
        "Chance": chance(of["p_hit"], of["p_hit_se"]),
        "P10": money(of["p10"]),
        "P50": money(of["p50"]),
        "P90": money(of["p90"]),
        "P50 against as it is": signed(of["p50_change"]),
    }


rows = [row(one["name"], of) for one in played["scenarios"] for of in one["periods"]]
pd.DataFrame(rows).sort_values("Period", kind="stable").set_index(["Period", "Scenario"])

# %% [markdown]
# ## By month
#
# P10, P50 and P90 of each month on its own. **Do not add up the P10s**: a year in which every month is a bad one is
# far rarer than one in ten. For a sum over months, use the simulations at the end of this notebook.

# %%
months = [
    {"Scenario": one["name"], "Month": of["month"], **{key.upper(): money(of[key]) for key in ("p10", "p50", "p90")}}
    for one in played["scenarios"]
    for of in one["months"]
]
pd.DataFrame(months).pivot(index="Month", columns="Scenario", values=["P10", "P50", "P90"])

# %% [markdown]
# ## Can we deliver it?
#
# Where the funnel file says what can be delivered in a month (`[capacity]`), what is won above it waits. A chance of
# waiting well above a half, month after month, says that capacity and not sales limits revenue.

# %%
waiting = [
    {"Scenario": one["name"], "Month": of["month"], "Chance that orders wait": f"{of['p_backlog']:.0%}"}
    for one in played["scenarios"]
    for of in one["months"]
    if of["p_backlog"] is not None
]
told = pd.DataFrame(waiting)
told.pivot(index="Month", columns="Scenario") if waiting else Markdown("The funnel file names no capacity.")

# %% [markdown]
# ## For your own plan
#
# `simulations` holds what is won in every future and month, by scenario, in the smallest unit of the currency: any
# question about sums, orders or worst months can be asked of it. In a terminal, `funnel scenarios --out DIR` writes
# it all as an Excel workbook.

# %%
total = {name: won.sum(axis=1) / answer.minor for name, won in simulations.items()}
print("All months after the day of the question:")
pd.DataFrame(total).quantile([0.1, 0.5, 0.9]).rename(index=lambda share: f"P{100 * share:.0f}").map(money)
