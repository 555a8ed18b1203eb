"""Companies with known truth, to try the funnel on: made by a process that is not the model.

generated = generate(b2b(), seed=1)
generated.deals, generated.stage_history, generated.truth
futures = true_outcomes(b2b(), generated, origin=date(2026, 1, 1), end=date(2026, 7, 1), n=2_000, seed=2)
futures.p_hit(5e6)
"""

from forecast.synthetic.company import Company, Segment, Stage, Team, b2b, recovery
from forecast.synthetic.futures import Futures, true_outcomes, what_happened
from forecast.synthetic.generate import Generated, Truth, World, generate
from forecast.synthetic.kinds import KINDS, subscription

__all__ = [
    "KINDS",
    "Company",
    "Futures",
    "Generated",
    "Segment",
    "Stage",
    "Team",
    "Truth",
    "World",
    "b2b",
    "generate",
    "recovery",
    "subscription",
    "true_outcomes",
    "what_happened",
]
