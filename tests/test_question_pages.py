"""docs/questions: the commands and the code of every page run, and what is in bold is on the screen."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from forecast.cli import main
from forecast.sources import load
from tests.conftest import Asked
from tests.forecast.companies import keep_fit

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs" / "questions").glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def company(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared company in a folder of its own, with its fit kept."""
    folder = tmp_path_factory.mktemp("questions")
    for path in asked.folder.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    keep_fit(asked.answer, folder)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_is_shown(
    page: Path, company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(company)
    text = page.read_text(encoding="utf-8")
    funnel = (company / "funnel.toml").read_text(encoding="utf-8")
    for kind, body in BLOCK.findall(text):
        if kind == "toml":
            (company / "funnel.toml").write_text(f"{funnel}\n{body}", encoding="utf-8")
            load(company)
        elif kind == "python":
            exec(compile(body, page.name, "exec"), {})
        else:
            for line in body.splitlines():
                program, *arguments = shlex.split(line)
                assert program == ".venv/bin/funnel"
                monkeypatch.setattr("sys.argv", [program, *arguments])
                with pytest.raises(SystemExit) as ended:
                    main()
                assert ended.value.code == 0, line
    (company / "funnel.toml").write_text(funnel, encoding="utf-8")
    shown = " ".join(capsys.readouterr().out.split())
    bold = [" ".join(words.split()) for words in re.findall(r"\*\*(.+?)\*\*", BLOCK.sub("", text), flags=re.DOTALL)]
    assert [words for words in bold if words not in shown] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere_and_lines_are_not_too_long(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert f"docs/questions/{page.name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    assert max(len(line) for line in text.splitlines()) <= 120
    assert len(text.splitlines()) <= 60
