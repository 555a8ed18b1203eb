"""The ledger: what became of every row that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.errors import EXAMPLES, FunnelError, shortened

MOST = 0.5  # where more is set aside, what is left does not stand for the whole
TOO_MANY = 0.2  # a larger share of unreadable values means that the column was misunderstood, not that rows are bad


@dataclass(frozen=True)
class Entry:
    """One thing that was found in one file.

    `set_aside` rows are not used; the others are used, but something about them was changed or is worth
    knowing. `examples` name rows ("row 7: ..."); `effect` says what it does to the forecast. `wanted`: what was
    set aside is nothing to mend (another pipeline, an event that is no stage, a row that repeats another).
    `doubt`: a guess that may be wrong, and that the user had better look at.
    """

    file: str
    reason: str
    count: int
    examples: tuple[str, ...] = ()
    effect: str = ""
    set_aside: bool = True
    wanted: bool = False
    doubt: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count must be at least 1, got {self.count} ({self.reason})")


@dataclass(frozen=True)
class FileRows:
    """Rows of one file: read == used + set aside."""

    file: str
    read: int
    used: int
    set_aside: int

    def __post_init__(self) -> None:
        if min(self.used, self.set_aside) < 0 or self.read != self.used + self.set_aside:
            raise ValueError(f"{self.file}: {self.read} rows read, {self.used} used, {self.set_aside} set aside")


@dataclass(frozen=True)
class Ledger:
    """All files that were read, and all that was found in them.

    The set-aside entries of a file add up to its rows.
    """

    files: tuple[FileRows, ...] = ()
    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        for rows in self.files:
            told = sum(entry.count for entry in self.entries if entry.file == rows.file and entry.set_aside)
            if told != rows.set_aside:
                raise ValueError(f"{rows.file}: {rows.set_aside} rows set aside, reasons for {told}")

    @property
    def read(self) -> int:
        return sum(rows.read for rows in self.files)

    @property
    def used(self) -> int:
        return sum(rows.used for rows in self.files)

    @property
    def set_aside(self) -> int:
        return sum(rows.set_aside for rows in self.files)


def among(column: pd.Series, names: pd.Series) -> pd.Series:
    """`column.isin(names)` for long columns of text, without turning them into Python objects."""
    found = pc.is_in(_array(column), value_set=_array(names))
    return pd.Series(found.to_numpy(zero_copy_only=False), index=column.index, dtype="bool")


def _array(column: pd.Series) -> pa.Array:
    values = pa.array(column, type=pa.large_string())
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


class Sieve:
    """The rows of one file that are still in use, while reading; each row leaves at most once, with its
    reason.

    `frame` is indexed by row number as a spreadsheet counts (the header is row 1). `read` counts rows that
    could not even be split into fields as well; they are set aside at once through `lines`. A row that is made
    from others (the stage before the first change on record) has a negative number, and counts in no file.
    `columns`: canonical name -> column of the file.
    """

    def __init__(
        self,
        file: str,
        frame: pd.DataFrame,
        lines: Iterable[tuple[int, str]] = (),
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.file = file
        self.frame = frame
        self.columns = dict(columns or {})
        self._entries: dict[tuple[str, str, bool], Entry] = {}
        self._absorbed = 0
        unsplit = tuple(lines)
        self.read = len(frame) + len(unsplit)
        if unsplit:
            examples = [f"row {row}: {text}" for row, text in unsplit[:EXAMPLES]]
            self._tell("the number of fields differs from the header's", len(unsplit), examples, "not read", True)

    def set_aside(
        self, bad: pd.Series, reason: str, *, effect: str = "", show: pd.Series | None = None, wanted: bool = False
    ) -> None:
        """Take the rows where `bad` (bool, aligned with `frame`) out of use; `show` gives the values for
        examples.
        """
        if bad.any():
            if count := int((bad.to_numpy() & (bad.index >= 0)).sum()):
                self._tell(reason, count, self.examples(bad, show), effect, True, wanted)
            self.frame = self.frame.loc[~bad]

    def absorb(self, frame: pd.DataFrame) -> None:
        """Go on with `frame`, to which every row in use has told what it had to tell."""
        self._absorbed += int((self.frame.index >= 0).sum()) - int((frame.index >= 0).sum())
        self.frame = frame

    def note(
        self, found: pd.Series, reason: str, *, effect: str = "", show: pd.Series | None = None, doubt: bool = False
    ) -> None:
        """Record something about rows that stay in use."""
        if found.any():
            self._tell(reason, int(found.sum()), self.examples(found, show), effect, False, doubt=doubt)

    def above_header(self, titles: tuple[str, ...]) -> None:
        """Record lines above the header; they are no rows."""
        if titles:
            self._tell(
                "lines above the header", len(titles), titles, "not read: the first line of several cells is it", False
            )

    def refuse_if_many(self, bad: pd.Series, of: int, column: str, what: str, remedy: str, show: pd.Series) -> None:
        """Raise FunnelError where more than a fifth of the `of` values of a column are bad."""
        count = int(bad.sum())
        if count > TOO_MANY * of:
            raise FunnelError(
                what,
                file=self.file,
                column=column,
                count=count,
                examples=self.examples(bad, show),
                remedy=remedy,
            )

    def refuse_if_empty(self) -> None:
        """Raise FunnelError with the commonest reason where no row is left."""
        if len(self.frame):
            return
        reasons = sorted((entry for entry in self._entries.values() if entry.set_aside), key=lambda e: -e.count)
        if not reasons:
            raise FunnelError("there is no row below the header", file=self.file, remedy="Export the rows as well.")
        first = reasons[0]
        raise FunnelError(
            f"no usable row is left; most were set aside because: {first.reason}",
            file=self.file,
            count=self.read,
            examples=first.examples,
            remedy="Mend these rows, or map the columns in the funnel file (`funnel init` drafts one).",
        )

    def examples(self, chosen: pd.Series, show: pd.Series | None = None) -> list[str]:
        """Up to three of the chosen rows, as 'row 7' or 'row 7: value'."""
        rows = chosen.index[chosen.to_numpy() & (chosen.index >= 0)][:EXAMPLES]
        if show is None:
            return [f"row {row}" for row in rows]
        return [f"row {row}: {shortened(show.loc[row])}" for row in rows]

    def _tell(
        self,
        reason: str,
        count: int,
        examples: Iterable[str],
        effect: str,
        set_aside: bool,
        wanted: bool = False,
        doubt: bool = False,
    ) -> None:
        key = (reason, effect, set_aside)
        if before := self._entries.get(key):
            shown = (*before.examples, *examples)[:EXAMPLES]
            self._entries[key] = replace(before, count=before.count + count, examples=shown)
        else:
            shown = tuple(shortened(example) for example in examples)[:EXAMPLES]
            self._entries[key] = Entry(self.file, reason, count, shown, effect, set_aside, wanted, doubt)

    def rows(self) -> FileRows:
        """How many rows were read, are used and were set aside."""
        used = int((self.frame.index >= 0).sum()) + self._absorbed
        return FileRows(self.file, self.read, used, self.read - used)

    def entries(self) -> tuple[Entry, ...]:
        """What was found so far, the most frequent first: set-aside rows, then doubts, then other notes."""
        order = sorted(self._entries.values(), key=lambda one: (not one.set_aside, not one.doubt, -one.count))
        return tuple(order)


def ledger(sieves: Iterable[Sieve]) -> Ledger:
    """The ledger of several files. Raises FunnelError where most rows of one had to be set aside."""
    closed = tuple(sieves)
    for sieve in closed:
        _refuse_if_most(sieve)
    return Ledger(tuple(sieve.rows() for sieve in closed), tuple(e for sieve in closed for e in sieve.entries()))


def _refuse_if_most(sieve: Sieve) -> None:
    rows, gone = sieve.rows(), [entry for entry in sieve.entries() if entry.set_aside]
    wanted = sum(entry.count for entry in gone if entry.wanted)
    bad = rows.set_aside - wanted
    if bad <= MOST * (rows.read - wanted):
        return
    worst = next(entry for entry in gone if not entry.wanted)
    raise FunnelError(
        f"most rows cannot be used ({bad:,} of {rows.read - wanted:,}); most often: {worst.reason}",
        file=sieve.file,
        count=worst.count,
        examples=worst.examples,
        remedy="What is left would not stand for the funnel: mend these rows, or map the columns in the funnel file.",
    )
