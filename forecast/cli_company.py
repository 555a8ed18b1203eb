"""`funnel forecast` of several funnels: it reads options, calls other modules, and prints what they return."""

from __future__ import annotations

from pathlib import Path

from forecast import options, outputs, terminal_company
from forecast.errors import FunnelError
from forecast.executors import placed
from forecast.language import known, speaking
from forecast.progress import bars
from forecast.screen import console
from forecast.sources import load

FILES = ("json", "samples")


def together(asked: options.Several, files: dict[str, Path], out: Path | None) -> None:
    """Answer for the sum of several funnels. files: those that are wanted; with `out`, those that there are."""
    known(asked.lang)
    sources = [asked.path, *(asked.more or ())]
    if out is not None:
        files = {kind: path for kind, path in files.items() if kind in FILES or path.parent != out}
    if extra := [kind for kind in files if kind not in FILES]:
        remedy = "Ask each funnel alone for them; of several there are --json and --samples."
        raise FunnelError(f"--{extra[0]} is about one funnel, and {len(sources)} were named", remedy=remedy)
    with bars() as progress:
        progress("Reading the rows", 0, 0)
        funnels = [load(source) for source in sources]
        for config, _ in funnels:
            outputs.spare_inputs(files, config)
        placed(asked.threads, asked.cluster)
        progress("Loading the model", 0, 0)
        from forecast.company import ask_together, question_of  # imports PyMC, which takes seconds

        question = question_of(funnels, asked)
        answer = ask_together(
            funnels, question, progress=progress, threads=asked.threads, cluster=asked.cluster, fresh=asked.fresh
        )
    told = {**outputs.finite(answer.summary), "files": {kind: str(path) for kind, path in files.items()}}
    try:
        if "samples" in files:
            outputs.write_parquet(files["samples"], answer.samples())
        if "json" in files:
            outputs.write_json(files["json"], told)
    finally:
        with speaking(asked.lang):
            terminal_company.show(told, console())
