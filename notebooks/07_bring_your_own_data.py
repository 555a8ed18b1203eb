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
# # How do I bring my own data?
#
# From an export of your CRM to a chance, in four steps. Set `rows` to your file and run from top to bottom; nothing
# is written but one funnel file, in `folder`.
#
# **What to change:** `rows` is the path of a CSV, Parquet or Excel file, or of a folder with `deals` and
# `stage_history`. `None` takes the rows of a sample, so that you see what happens. `period` and `target` may stay
# `None`: then the quarter that comes next is asked about, with a target of 1.1 times the last one.

# %% tags=["parameters"]
rows = None
folder = "my_funnel"
period = None
target = None
draws = 2000

# %%
import shutil
from importlib.resources import files
from pathlib import Path

import pandas as pd
from IPython.display import Code, Markdown

from forecast import plots, setup
from forecast.answer import ask
from forecast.drafting import draft
from forecast.history import as_of
from forecast.kept import kept_for
from forecast.question import question_from
from forecast.sources import load
from forecast.words import day, exact

place = Path(folder)
place.mkdir(exist_ok=True)
found = Path(rows) if rows else Path(str(files("forecast") / "samples" / "maven" / "sales_pipeline.csv"))
for path in sorted(found.iterdir()) if found.is_dir() else [found]:
    if path.is_file() and path.suffix != ".toml" and not (place / path.name).exists():
        shutil.copy(path, place)
own = place if found.is_dir() else place / found.name
print(f"Working on {own}")

# %% [markdown]
# ## 1. Draft a funnel file
#
# It says which column means what, what the stages are called, and when each column is known. It is drafted from the
# columns that are found, with comments; from then on it is yours to correct.

# %%
written = place / "funnel.toml"
if not written.exists():
    written.write_text(draft(own).text, encoding="utf-8")
Code(written.read_text(encoding="utf-8"), language="toml")

# %% [markdown]
# ## 2. Look at what was understood
#
# Read this before you rely on anything. Stages in the right order? Won and lost recognised? Rows set aside for a
# reason that you agree with?

# %%
config, tables = load(written)
seen = setup.understood(config, tables)
ends = f"{seen.won_deals:,} won, {seen.lost_deals:,} lost, {seen.open_deals:,} open"
print(f"{seen.shape_told}: {seen.deals:,} deals, {ends}")
print(f"Events from {seen.first_event} to {seen.last_event}")
stages = [{"Stage": use.stage, "Deals that entered": use.entered, "There now": use.now} for use in seen.stages]
pd.DataFrame(stages).set_index("Stage")

# %%
ledger = seen.ledger
print(f"{ledger.read:,} rows read = {ledger.used:,} used + {ledger.set_aside:,} set aside")
reasons = [
    {"Rows": entry.count, "What": entry.reason, "For instance": ", ".join(entry.examples)} for entry in ledger.entries
]
pd.DataFrame(reasons) if reasons else Markdown("Nothing to tell of single rows.")

# %% [markdown]
# ## 3. When is each column known?
#
# The question that decides whether a forecast can be trusted. A column that is filled in when a deal is closed tells
# how it ended: used too early, it makes every test look good and every forecast bad. Correct what is wrong here under
# `[known]` in the funnel file.

# %%
columns = [{"Column": use.name, "Known at": str(use.known), "Because": use.how} for use in seen.columns]
pd.DataFrame(columns).set_index("Column")

# %% [markdown]
# Which questions the data can answer, and why:

# %%
grades = [{"Question": one.question, "": one.verdict.value, "Because": one.because} for one in seen.grades]
pd.DataFrame(grades).set_index("Question")

# %% [markdown]
# ## 4. Ask

# %%
today = tables.recorded_until
quarter = today.to_period("Q")
if period is None:
    period = f"{quarter.year}Q{quarter.quarter}"
if target is None:
    past = as_of(tables, config.funnel, today)
    first = (quarter - 1).start_time
    last = past.won_between(*(edge.timestamp() / 86400 for edge in (first, quarter.start_time)))
    target = round(1.1 * last, 2)
print(f"As of {day(str(today.date()))}: will {period} bring {exact(target)}?")
question = question_from(config, tables, as_of=today.date(), period=period, target=target, draws=draws)
answer = ask(config, tables, question, fits=kept_for(config))
Markdown(f"**{plots.sentence(answer)}**")

# %%
plots.revenue(answer)

# %% [markdown]
# ## And then
#
# - Correct the funnel file until step 2 and 3 say what you know to be true, and run this again.
# - Write your periods and targets into it (`[[forecast.periods]]`), so that every command asks about them.
# - In a terminal, `funnel forecast my_funnel/funnel.toml --out answer` writes the answer as a page to send around.
# - `funnel backtest my_funnel/funnel.toml` finds out how far to trust it.
