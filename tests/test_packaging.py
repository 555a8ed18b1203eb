"""The files around the code agree with one another."""

import email.parser
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.environment import MINIMUM, index_settings, lines_of

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
LOCK = (ROOT / "requirements.lock").read_text()
UV_LOCK = (ROOT / "requirements-uv.lock").read_text()

# Packages that conda-forge calls otherwise.
CONDA_NAMES = {"duckdb": "python-duckdb", "playwright": "playwright-python"}


def declared() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for lines in (PROJECT["dependencies"], *extras) for line in lines]


def locked(text: str) -> dict[str, list[str]]:
    """Versions by package: some have one by range of Python versions."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^ ]+)", text, flags=re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def test_conda_environment_declares_the_same_packages_with_the_same_lower_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *packages, by_pip = environment["dependencies"]
    conda = dict(line.partition(" ")[::2] for line in packages)
    assert conda.pop("pip") == ""
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda == {CONDA_NAMES.get(item.name, item.name): str(item.specifier) for item in declared()}
    assert by_pip == {"pip": ["-e ."]}
    assert environment["channels"][0] == "conda-forge"


def test_lock_holds_every_declared_package_within_its_bounds():
    versions = locked(LOCK)
    build = [Requirement(line) for line in PYPROJECT["build-system"]["requires"]]
    for item in declared() + build:
        found = versions.get(canonicalize_name(item.name), [])
        assert found, f"{item.name} is not in requirements.lock: make lock"
        assert all(item.specifier.contains(version) for version in found), f"{item}: {found}; make lock"


@pytest.mark.parametrize("text", [LOCK, UV_LOCK], ids=["requirements.lock", "requirements-uv.lock"])
def test_every_locked_package_has_hashes_and_no_address(text):
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = re.split(r"\n(?=\S)", "\n".join(lines))
    entry = re.compile(r"\S+==\S+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert [text for text in entries if not entry.fullmatch(text)] == []
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_bootstrap_holds_uv_as_it_is_in_the_lock():
    assert locked(UV_LOCK).keys() == {"uv"}
    assert UV_LOCK.partition("\n")[2] == lines_of("uv")


def test_oldest_python_is_the_same_everywhere():
    oldest = f"{MINIMUM[0]}.{MINIMUM[1]}"
    assert PROJECT["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"Programming Language :: Python :: {oldest}" in PROJECT["classifiers"]


def test_version_is_the_same_everywhere():
    changes = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert changes[0] == "Unreleased"
    assert changes[1:2] in ([], [PROJECT["version"]])
    try:
        installed = importlib.metadata.version(PROJECT["name"])
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the project is not installed here")
    assert installed == PROJECT["version"]


@pytest.mark.parametrize(
    "name", ["CHANGELOG.md", "LICENSE", "Makefile", "README.md", "benchmarks/README.md", "tests/README.md"]
)
def test_file_is_there(name):
    assert (ROOT / name).stat().st_size > 300


def test_license_is_the_one_declared():
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_wheel_holds_both_packages_with_samples_and_notebooks_and_nothing_else(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"{PROJECT['name']}-{PROJECT['version']}.dist-info"
        metadata = email.parser.Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in ("forecast", "simulations")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    sources |= {f"forecast/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.py")}
    assert {name for name in names if not name.startswith(info)} == sources
    assert metadata["License-Expression"] == "Apache-2.0"
    assert f"{info}/licenses/LICENSE" in names
    assert "funnel = forecast.cli:main" in scripts


class TestIndexSettings:
    """What uv is told of pip's settings."""

    def test_no_settings_say_nothing(self):
        assert index_settings({}, {}) == {}

    def test_index_certificate_and_proxy_are_passed_on(self):
        pip = {"index-url": "file:///mirror", "cert": "/ca.pem", "proxy": "localhost:3128", "timeout": "9"}
        assert index_settings({}, pip) == {
            "UV_DEFAULT_INDEX": "file:///mirror",
            "SSL_CERT_FILE": "/ca.pem",
            "ALL_PROXY": "localhost:3128",
        }

    def test_uv_own_settings_win(self):
        pip = {"index-url": "file:///mirror", "cert": "/ca.pem", "proxy": "localhost:3128"}
        own = {"UV_INDEX": "file:///own", "SSL_CERT_FILE": "/own.pem", "HTTPS_PROXY": "own:1"}
        assert index_settings(own, pip) == {}

    def test_folder_of_wheels_is_used_only_when_there_is_no_index(self):
        assert index_settings({}, {"find-links": "/wheels"}) == {}
        assert index_settings({}, {"find-links": "/wheels /more", "no-index": "true"}) == {
            "UV_NO_INDEX": "true",
            "UV_FIND_LINKS": "/wheels,/more",
        }


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_python_without_venv_is_told_what_to_install(tmp_path, missing):
    (tmp_path / f"{missing}.py").write_text(f"raise ImportError(name={missing!r})\n")
    said = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "environment.py")],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1
    assert said.stdout == ""
    (line,) = said.stderr.splitlines()
    assert f"has no {missing}" in line
    assert "apt install python3-venv" in line
