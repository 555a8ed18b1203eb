"""`funnel lab` served from a folder of its own, and notebooks run in it by a browser."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 240_000  # ms, on a machine that does other things too


@contextmanager
def serving(book: Path, folder: Path) -> Iterator[str]:
    """The address of `funnel lab` on the notebooks in `book`, with settings in `folder`: cells stay on the page when
    they are out of sight.
    """
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}', encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    own["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable, "-c", "from forecast.cli import main; main()", "lab", "--folder", str(book), "--no-browser",
        f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1",
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"{address}/api", timeout=2).close()
                    break
                except OSError:
                    assert server.poll() is None, (folder / "log.txt").read_text()
                    time.sleep(0.5)
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def run_all(page: Any, address: str, notebook: str) -> None:
    """Open a notebook and run it from top to bottom."""
    page.goto(f"{address}/lab/workspaces/{notebook}/tree/{notebook}.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE)
    page.get_by_text("| Idle").first.wait_for(timeout=PATIENCE)  # in the status bar: before, nothing would run
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.innerText);
            return prompts.length > 3 && prompts.every(one => /\\[\\d+\\]/.test(one));
        }""",
        timeout=PATIENCE,
    )
