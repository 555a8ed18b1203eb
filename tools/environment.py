"""Make or refresh .venv from the lock file, or rewrite the lock file.

    python3 tools/environment.py sync    what `make setup` runs: does nothing when .venv is up to date
    python3 tools/environment.py lock    what `make lock` runs; further arguments go to `uv pip compile`

Needs only Python with venv and a package index that pip reaches: uv itself is installed into .venv, by hash.
"""

import sys

MINIMUM = (3, 11)

# Before anything that an older Python could not read or import.
if sys.version_info < MINIMUM:
    sys.exit(
        f"Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, {sys.executable} is {sys.version.split()[0]}:"
        " install one (e.g. apt install python3 python3-venv) or name one: make setup PYTHON=python3.12"
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError as missing:
    sys.exit(f"{sys.executable} has no {missing.name}: install it (e.g. apt install python3-venv).")

import ast
import contextlib
import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".stamp"
LOCK = ROOT / "requirements.lock"
UV_LOCK = ROOT / "requirements-uv.lock"
PROJECT = ROOT / "pyproject.toml"
# Any of these says that uv has been told itself where packages are.
OWN_INDEX = {"UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL"}


def main(arguments: list[str]) -> None:
    command, *rest = arguments or ["sync"]
    if command not in {"sync", "lock"}:
        sys.exit(__doc__)
    with one_at_a_time():
        try:
            if command == "lock":
                lock(rest)
            else:
                sync()
        except subprocess.CalledProcessError as failure:
            sys.exit(f"Setting up .venv failed (exit code {failure.returncode}); the messages above say why.")


def sync() -> None:
    """Bring .venv to what the lock file and pyproject.toml say; a note of both is kept in .venv/.stamp."""
    wanted = f"{origin()}{digest()}\n"
    if is_made() and stamp() == wanted:
        return
    start = time.monotonic()
    make_venv()
    print("Installing the packages of requirements.lock (about a minute the first time) ...", flush=True)
    try:
        uv("sync", "--quiet", "--require-hashes", "--compile-bytecode", str(LOCK))
    except subprocess.CalledProcessError:
        print("uv could not install the packages; trying with pip, which takes longer ...", flush=True)
        pip_install(LOCK)
    uv("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(wanted)
    print(f"Set up .venv in {time.monotonic() - start:.0f} s.")


def lock(options: list[str]) -> None:
    """Rewrite the lock file (versions in it are kept where they still fit) and uv's own part of it."""
    make_venv()
    python_version = ".".join(map(str, MINIMUM))
    form = ["--quiet", "--universal", "--python-version", python_version, "--all-extras", "--generate-hashes"]
    files = ["--output-file", str(LOCK), str(PROJECT)]
    uv("compile", *form, *options, *files, UV_CUSTOM_COMPILE_COMMAND="make lock")
    UV_LOCK.write_text("# uv's own lines of requirements.lock, written by: make lock\n" + lines_of("uv"))


def make_venv() -> None:
    """Make .venv if there is none, or none by this interpreter in this place, and install uv into it."""
    if not is_made():
        print(f"Making .venv with {sys.executable} (Python {sys.version.split()[0]}) ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        STAMP.write_text(origin())
    pip_install(UV_LOCK)


def is_made() -> bool:
    return PYTHON.exists() and stamp().startswith(origin())


def stamp() -> str:
    return STAMP.read_text() if STAMP.exists() else ""


def origin() -> str:
    """The interpreter and the place that .venv is made by and for, a line each: files in it name both."""
    return f"{os.path.realpath(sys.executable)}\n{VENV}\n"


def digest() -> str:
    content = hashlib.sha256()
    for file in (LOCK, PROJECT, Path(__file__)):
        content.update(file.read_bytes())
    return content.hexdigest()


def lines_of(package: str) -> str:
    """The requirement and the hashes of one package in the lock file, without comments."""
    lines = iter(LOCK.read_text().splitlines())
    found = next(line for line in lines if line.startswith(f"{package}=="))
    hashes = []
    for line in lines:
        if not line.lstrip().startswith("--hash"):
            break
        hashes.append(line)
    return "\n".join([found, *hashes]) + "\n"


def pip_install(requirements: Path) -> None:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-deps"]
    subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True)


def uv(command: str, *arguments: str, **environment: str) -> None:
    place = [] if command == "compile" else ["--python", str(PYTHON)]
    settings = {**os.environ, **index_settings(os.environ, pip_settings()), **environment}
    settings.pop("VIRTUAL_ENV", None)
    program = [str(PYTHON), "-m", "uv", "pip", command]
    subprocess.run([*program, *place, *arguments], check=True, env=settings, cwd=ROOT)


def pip_settings() -> dict[str, str]:
    """pip's settings for `pip install`, from its files and environment, by name without section."""
    listing = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):  # later ones win, as in pip
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section):
                found[name.removeprefix(section)] = str(ast.literal_eval(value))
    return found


def index_settings(environment: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that send uv to the package index that pip is set to use.

    uv does not read pip's settings. Its own, where there are any, are left alone.
    """
    settings: dict[str, str] = {}
    if "cert" in pip and "SSL_CERT_FILE" not in environment:
        settings["SSL_CERT_FILE"] = pip["cert"]
    if "proxy" in pip and not {"ALL_PROXY", "HTTPS_PROXY", "all_proxy", "https_proxy"} & environment.keys():
        settings["ALL_PROXY"] = pip["proxy"]
    if OWN_INDEX & environment.keys():
        return settings
    if "index-url" in pip:
        settings["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "trusted-host" in pip:
        settings["UV_INSECURE_HOST"] = " ".join(pip["trusted-host"].split())
    if pip.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        settings["UV_NO_INDEX"] = "true"
        settings["UV_FIND_LINKS"] = ",".join(pip.get("find-links", "").split())
    return settings


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another set-up of the same folder to end."""
    with PROJECT.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main(sys.argv[1:])
