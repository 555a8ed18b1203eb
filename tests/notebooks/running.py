"""Notebooks run from top to bottom by this very interpreter, all in one kernel: its libraries are imported once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
FIGURE = "application/vnd.plotly.v1+json"
KERNEL = "this-interpreter"
# In a process of its own, for the sockets that a kernel's client leaves to the garbage collector.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name=sys.argv[2], timeout=600, allow_errors=True).execute()
nbformat.write(notebook, sys.argv[1])
"""


def executed(folder: Path, asked: Mapping[str, Mapping[str, Any]], then: Mapping[str, str]) -> dict[str, Any]:
    """The notebooks by name, each from an empty namespace with other parameters, and with `then` as one more cell at
    its end. One that fails holds an error, and the next ones run.
    """
    whole, ends = nbformat.v4.new_notebook(), {}
    for name, parameters in asked.items():
        cells = jupytext.read(NOTEBOOKS / f"{name}.py").cells
        places = [n for n, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", [])]
        assert len(places) == 1
        given = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
        cells.insert(places[0] + 1, nbformat.v4.new_code_cell(given))
        cells.append(nbformat.v4.new_code_cell(then.get(name, "1")))
        whole.cells += [nbformat.v4.new_code_cell("%reset -f"), *cells]
        ends[name] = (len(whole.cells) - len(cells), len(whole.cells))
    written = folder / "all.ipynb"
    nbformat.write(whole, written)
    run = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(written), KERNEL],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    done = nbformat.read(written, as_version=4)
    return {name: nbformat.v4.new_notebook(cells=done.cells[first:last]) for name, (first, last) in ends.items()}


def environment(folder: Path) -> dict[str, str]:
    """Knows no kernel but this interpreter, and nothing of the user's own settings."""
    kernel = folder / "jupyter" / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": KERNEL, "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    own = {
        "JUPYTER_PATH": str(folder / "jupyter"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **own}


def outputs(notebook: Any) -> list[Any]:
    """What it shows; AssertionError where a cell failed or wrote to stderr."""
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    for output in shown:
        assert output["output_type"] != "error", "\n".join(output["traceback"])[-4000:]
        assert output.get("name") != "stderr", output["text"]
    return shown


def markdown(notebook: Any) -> str:
    return "\n".join(
        output["data"]["text/markdown"] for output in outputs(notebook) if "text/markdown" in output.get("data", {})
    )


def titles(notebook: Any) -> list[str]:
    """Of its figures, on one line each."""
    figures = [output["data"][FIGURE] for output in outputs(notebook) if FIGURE in output.get("data", {})]
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures]


def printed(notebook: Any) -> str:
    return "".join(one.get("text", "") for one in outputs(notebook))


def tables(notebook: Any) -> list[str]:
    return [one["data"]["text/plain"] for one in outputs(notebook) if "text/html" in one.get("data", {})]
