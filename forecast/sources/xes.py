"""XES, the XML of event logs (IEEE 1849): events with the attributes of their trace, one row each.

Read piece by piece, so that a log may be larger than memory would hold as a tree, or as Python objects.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa

from forecast.errors import FunnelError

VALUES = ("string", "date", "int", "float", "boolean", "id")
CASE = "case:"
AT_ONCE = 50_000  # events held as Python objects


def read_xes(data: bytes, path: Path) -> pa.Table:
    """Text columns: the keys of the events, and those of their traces with 'case:' in front.

    Raises FunnelError for what is not XML, or holds no event.
    """
    events, parts = _events(io.BytesIO(data)), []
    try:
        while some := list(islice(events, AT_ONCE)):
            names = dict.fromkeys(name for event in some for name in event)
            parts.append(pa.table({name: pa.array([e.get(name) for e in some], pa.string()) for name in names}))
    except (ElementTree.ParseError, ValueError) as error:
        remedy = "Export the log again."
        raise FunnelError(f"cannot be read as XES: {error}", file=path, remedy=remedy) from None
    if not parts:
        raise FunnelError("there is no event in this log", file=path, remedy="Export it again.")
    return pa.concat_tables(parts, promote_options="default").combine_chunks()


def _events(source: io.BytesIO) -> Iterator[dict[str, str]]:
    """Attributes of every event, those of its trace among them."""
    rows: list[dict[str, str]] = []
    for _, element in ElementTree.iterparse(source):
        tag = element.tag.rpartition("}")[2]
        if tag == "event":
            rows.append(_attributes(element))
            element.clear()
        elif tag == "trace":
            trace = {CASE + key: value for key, value in _attributes(element).items()}
            yield from ({**trace, **row} for row in rows)
            rows = []
            element.clear()


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    return {
        child.attrib["key"]: child.attrib["value"]
        for child in element
        if child.tag.rpartition("}")[2] in VALUES and {"key", "value"} <= child.attrib.keys()
    }
