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
# # Can I trust it?
#
# A forecast that says "54 %" cannot be wrong on one occasion. It can be wrong over many: of all targets that
# were given a chance of about one half, about half should have been reached, and of all ranges called 80 %,
# about 80 % should have held what happened. So before planning on a forecast, ask it about days whose future
# is known by now, let it see only what was known then, and count.
#
# That is what `funnel backtest` does. This notebook reads its result with you; it computes no forecast and
# takes a few seconds.
#
# **What to change:** `source` is a sample (`maven`) or your own funnel file, for which you have run
# `funnel backtest`.

# %% tags=["parameters"]
source = "maven"
board_file = None  # another backtest.json than the one that `funnel backtest` left for the source

# %%
from importlib.resources import files
from pathlib import Path

from IPython.display import Markdown

from forecast import record
from forecast.plots import backtest as figures
from forecast.record import OURS, QUOTED
from forecast.sources import configured
from forecast.words import day, money, with_unit

sample = Path(str(files("forecast") / "samples" / source))
config = configured(sample if sample.is_dir() else Path(source))
found = Path(board_file) if board_file else record.at_hand(config, source if sample.is_dir() else None)
if found is None:
    raise SystemExit(f"There is no backtest of {source} yet: run `funnel backtest` first.")
board = record.read(found)
unit = board["currency"]
if not board["windows"]:
    raise SystemExit(f"None of its {board['questions']} questions could be answered.")
ours = next(line for line in board["all"] if line["forecast"] == OURS)

first, last = board["windows"][0], board["windows"][-1]
print(f"{board['questions']} past questions, asked as of {day(first['origin'])} to {day(last['origin'])}.")
print(f"Refused an answer: {len(board['refused'])}.")

# %% [markdown]
# ## Did the ranges hold what happened?
#
# One bar per past question, from P10 to P90. If the forecast is honest, about 8 of 10 bars hold the diamond.
# Fewer, and it claims to know more than it does: plan with wider margins than it says. All of them over a long
# record, and it is more modest than it needs to be.

# %%
figures.ranges(board)

# %%
lines = [
    f"| {100 * part['level']:.0f} % ranges | {part['held']} of {part['of']} "
    f"| {100 * part['low']:.0f} to {100 * part['high']:.0f} % |"
    for part in ours["coverage"]
]
Markdown("| | held | a long record would show |\n|---|---|---|\n" + "\n".join(lines))

# %% [markdown]
# The last column is what so few questions leave open (a 95 % interval). Where questions share days with their
# neighbours, as months of one quarter do, they are fewer than they look, and it is wider still.

# %%
print(f"A question shares days with up to {board['overlap']} of the next ones.")

# %% [markdown]
# ## Is it too high, too low, too sure?
#
# Where in the forecast's range did the outcomes fall? All over it is what they should do. Mostly to the left:
# forecasts were too high. At both ends: too sure. In the middle: too modest.

# %%
figures.pits(board)

# %% [markdown]
# ## Is it better than what I have?
#
# The same past days, asked of simpler ways to forecast, each with the same knowledge: the run-rate of past
# revenue, smoothed bookings, the pipeline weighted by stage, and a life table that knows the age of every deal.
# CRPS is the mean distance between forecast and outcome, in money, with the spread counted: a range as wide as
# a barn door scores badly even if it always holds.

# %%
figures.comparison(board)

# %%
told = []
for line in board["all"]:
    if line["skill"] is None:
        continue
    if line["skill_se"] is None or abs(line["skill"]) < 2 * line["skill_se"]:
        verdict = "no difference that these few questions could show"
    else:
        verdict = "ours is closer" if line["skill"] > 0 else "**the other is closer**"
    error = "" if line["skill_se"] is None else f" ± {100 * line['skill_se']:.0f}"
    few = "" if line["questions"] == ours["questions"] else f" ({line['questions']} questions only)"
    told.append(f"| {line['forecast']}{few} | {100 * line['skill']:+.0f} %{error} | {verdict} |")
Markdown("| against | CRPS smaller by | |\n|---|---|---|\n" + "\n".join(told))

# %% [markdown]
# ## How far ahead?
#
# For a plan the question is not only *whether* but *from which day on*. The nearer the end of the period, the more is
# won already and the less is left to guess. Each row holds the questions that were asked about equally far from the
# end: the error in money and as a share of what was then still won, by how much it is smaller than that of the best
# other forecast (negative: that one is closer), and how often the ranges held. Decide which error your plan can bear,
# and rely on the forecast from that distance on; further out, plan with the other one where it is closer.


# %%
def per_cent(share, sign=""):
    return "–" if share is None else f"{100 * share:{sign}.0f} %"


by_distance = board["by_distance"]
lines = [
    f"| {part['from_days']} to {part['to_days']} | {part['questions']} | {money(part['actual'])} "
    f"| {money(part['crps'])} | {per_cent(part['crps_share'])} "
    f"| {part['best_other'] or '–'} | {per_cent(part['skill'], '+')} "
    f"| {part['coverage']['held']} of {part['coverage']['of']} |"
    for part in reversed(by_distance)
]
header = (
    f"| days to the end | questions | still won, mean {unit} | CRPS | of what was won | best other "
    f"| ours closer by | {100 * QUOTED:.0f} % held |\n|---|---|---|---|---|---|---|---|\n"
)
Markdown(header + "\n".join(lines) if lines else "All questions look equally far ahead.")

# %%
figures.distances(board) if by_distance else None

# %% [markdown]
# ## What went wrong?
#
# The questions at which it was furthest off, and the largest part of each error. New deals that did not come
# are another matter than deals that were lost: the first is a question to marketing, the second to sales.

# %%
lines = [
    f"- **{day(case['origin'])}**: {with_unit(money(case['actual']), unit)} happened, "
    f"{money(case['p10'])} to {money(case['p90'])} was forecast; mostly *{case['cause']}*."
    for case in board["worst"]
]
Markdown("\n".join(lines))

# %% [markdown]
# ## So, can I?
#
# - Plan on P10 and P90 only where the ranges have held about as often as they say.
# - If another way of forecasting comes out closer *beyond the error*, use that one, or find out what it knows.
# - Run the backtest again each quarter: a funnel that changes its ways makes an old record worthless.
# - A record of a handful of questions says little, in either direction. The intervals above tell how little.
