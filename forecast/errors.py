"""The one error that is meant for the user: what is wrong, where, how often, for instance, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from os import PathLike

EXAMPLES = 3


class FunnelError(Exception):
    """A mistake in the input or the question, told so that the user can mend it.

    `file`, `column`: where; `count`: how many rows; `examples`: the first three are shown; `remedy`: what to
    do. str() is one to three lines: the place and the message, the count with examples, the remedy.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | PathLike[str] | None = None,
        column: str | None = None,
        count: int | None = None,
        examples: Iterable[object] = (),
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = None if file is None else str(file)
        self.column = column
        self.count = count
        self.examples = tuple(shortened(example) for example in examples)[:EXAMPLES]
        self.remedy = remedy

    def __str__(self) -> str:
        place = self.file or ""
        if self.column is not None:
            place = f"{place}, column '{self.column}'" if place else f"column '{self.column}'"
        lines = [f"{place}: {self.message}" if place else self.message]
        counted = "" if self.count is None else f"{self.count:,} row{'' if self.count == 1 else 's'}"
        shown = "for instance " + "; ".join(self.examples) if self.examples else ""
        if counted or shown:
            lines.append(", ".join(part for part in (counted, shown) if part) + ".")
        if self.remedy:
            lines.append(self.remedy)
        return "\n".join(printable(line) for line in lines)


def printable(text: str) -> str:
    """`text` with a question mark for every character that a terminal would obey rather than show."""
    return "".join(c if c.isprintable() else "?" for c in text)


def shortened(value: object, length: int = 60) -> str:
    """`value` as one line of at most `length` characters; what cannot be printed becomes a question mark."""
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= length else text[: length - 3] + "..."


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """'Did you mean ...?' with the names most like `name`; empty where none is."""
    known = {candidate.casefold(): candidate for candidate in names}
    matches = get_close_matches(name.casefold(), list(known), n=3, cutoff=0.6)
    return "Did you mean " + " or ".join(f"'{known[match]}'" for match in matches) + "?" if matches else ""


def near(name: str, names: Iterable[str]) -> str:
    """'Did you mean ...?', or the list of all names."""
    known = list(names)
    return did_you_mean(name, known) or (f"Known: {', '.join(known)}." if known else "")
