"""`funnel lab` served from a folder of its own, notebooks run in it by a browser, and the time that a slider takes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 240_000  # ms, on a machine that does other things too
# Cells stay on the page when they are out of sight, so that all can be looked at; no news are asked for.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
CHANCE = ".explorer-chance"
# Resolves to the milliseconds from the next key to the frame that shows another chance.
WATCH = """chance => {
    const told = () => document.querySelector(chance)?.innerText;
    const before = told();
    window.moved = new Promise(resolve => {
        document.addEventListener('keydown', () => {
            const began = performance.now();
            const look = new MutationObserver(() => {
                if (told() !== undefined && told() !== before) {
                    look.disconnect();
                    requestAnimationFrame(() => resolve(performance.now() - began));
                }
            });
            look.observe(document.body, {childList: true, subtree: true, characterData: true});
        }, {capture: true, once: true});
    });
}"""


@contextmanager
def serving(book: Path, folder: Path) -> Iterator[str]:
    """The address of `funnel lab` on the notebooks in `book`, with SETTINGS in `folder`."""
    for name, setting in SETTINGS.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(setting), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    own["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable, "-c", "from forecast.cli import main; main()", "lab", "--folder", str(book), "--no-browser",
        f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.disable_check_xsrf=True",
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


def share_kernel(address: str, notebooks: Sequence[str]) -> None:
    """Start one kernel for several notebooks, which imports libraries once; each runs as it is."""
    kernel: dict[str, str] = {"name": "python3"}
    for name in notebooks:
        asked = {"path": f"{name}.ipynb", "name": f"{name}.ipynb", "type": "notebook", "kernel": kernel}
        request = urllib.request.Request(f"{address}/api/sessions", json.dumps(asked).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            kernel = {"id": json.load(answer)["kernel"]["id"]}


def run_all(page: Any, address: str, notebook: str) -> None:
    """Open a notebook, run it from top to bottom and see that no cell failed or complained."""
    page.goto(f"{address}/lab/workspaces/{notebook}/tree/{notebook}.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE)
    page.get_by_text("| Idle").first.wait_for(timeout=PATIENCE)  # in the status bar: before, nothing would run
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
    page.wait_for_function(
        """() => {
            const told = '.jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)';  // code folded away has no number
            const prompts = [...document.querySelectorAll(told)].map(one => one.innerText);
            return prompts.length > 3 && prompts.every(one => /\\[\\d+\\]/.test(one));
        }""",
        timeout=PATIENCE,
    )
    for kind in ("error", "stderr"):
        bad = page.locator(f".jp-OutputArea [data-mime-type='application/vnd.jupyter.{kind}']")
        assert bad.count() == 0, bad.first.inner_text()


def slider(page: Any, name: str) -> Any:
    """The handle of the explorer's slider that is called so."""
    return page.locator(".widget-slider", has_text=name).locator(".noUi-handle")


def seconds_of(page: Any, handle: Any, key: str) -> float:
    """Move a slider by a key: seconds from the key to the frame that shows the new chance, as the page counts them."""
    handle.focus()
    page.evaluate(WATCH, CHANCE)
    handle.press(key)
    return float(page.evaluate("() => window.moved")) / 1000
