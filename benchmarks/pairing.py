"""How much of the noise of a what-if the same random numbers take away, on the sample: of what each lever changes in a
period's revenue, the variance over simulations on the same random numbers, as a share of that on others. The posterior
draws are the same in both, so that it is chance alone that differs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast import tornado
from forecast.answer import ask
from forecast.options import SAMPLES
from forecast.question import question_from
from forecast.sources import load


def main() -> None:
    config, tables = load(SAMPLES / "maven" / "funnel.toml")
    asked = ask(config, tables, question_from(config, tables), levers=False).what_if
    whole = asked.periods[-1]
    strangers = replace(asked, seed=asked.seed + 1)
    for lever in tornado.unit_levers(asked.given, asked.kept):
        moved = lever.move(asked.fewer(), lever.unit)
        name = lever.kind.replace("_", " ") + (f" of {lever.stage}" if lever.stage else "")
        paired, unpaired = (whole.revenue(one.run(moved).won) for one in (asked, strangers))
        before = whole.revenue(asked.base.won)[: len(paired)]
        ratio = np.var(paired - before) / np.var(unpaired - before)
        print(f"{name} {lever.unit:+.0%}: {ratio:.3f} of the variance on other random numbers")


if __name__ == "__main__":
    main()
