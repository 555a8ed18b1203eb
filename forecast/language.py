"""The language that answers are told in. English phrases stand in the code and are the keys of the other catalogues.

The language belongs to the reader, not to the answer, so it is set once where the reader is known, as a decimal
context is: `with speaking("fr"): ...`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

from forecast.errors import FunnelError

ENGLISH = "en"
LANGUAGES = (ENGLISH, "fr")

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Everything told inside is told in this language; FunnelError for one that is not known."""
    before = _spoken.set(known(language))
    try:
        yield
    finally:
        _spoken.reset(before)


def known(language: str) -> str:
    """The language itself; FunnelError for one that is not known."""
    if language not in LANGUAGES:
        raise FunnelError(f"there is no language '{language}'", remedy=f"Choose one of: {', '.join(LANGUAGES)}.")
    return language


def spoken() -> str:
    """The language of the moment, as the code that Babel knows."""
    return _spoken.get()


def say(phrase: str, /, **values: object) -> str:
    """The phrase in the language of the moment, its {names} replaced by the values.

    A phrase without a translation stays English: words of the data, for instance, are asked for as they are.
    """
    told = phrase if spoken() == ENGLISH else catalogue(spoken()).get(phrase, phrase)
    return told.format(**values) if values else told


def heard(text: str) -> str:
    """What an answer holds as English words (a reason, a remark on the fit), in the language of the moment: found again
    among the phrases in which it was put, and English where it is none of them.
    """
    if spoken() != ENGLISH:
        for pattern, translated in _patterns(spoken()):
            if (found := pattern.fullmatch(text)) is not None:
                return translated.format(**{name: heard(value) for name, value in found.groupdict().items()})
    return text


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """English phrase -> the same in this language."""
    return {phrase: told for phrase, told in _file(language).items() if isinstance(told, str)}


@cache
def heard_phrases(language: str) -> Mapping[str, str]:
    """The same for the phrases that answers hold, with {names} in place of what differs."""
    return dict(_file(language)["heard"])


@cache
def _file(language: str) -> Mapping[str, Any]:
    return tomllib.loads((files("forecast") / "languages" / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with most words of their own first: a phrase that is nearly all {names} would match nearly all."""
    phrases = sorted(heard_phrases(language).items(), key=lambda item: -len(re.sub(r"{\w+}", "", item[0])))
    return [
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(phrase)), re.DOTALL), told)
        for phrase, told in phrases
    ]
