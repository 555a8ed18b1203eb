"""Tables and queries of a database, through SQLAlchemy: read only, the address from the environment, never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.errors import FunnelError, near
from forecast.sources.readers import Raw, columns_of

if TYPE_CHECKING:
    import sqlalchemy

TABLE = re.compile(r"\w+(?:\.\w+){0,2}")
QUERY = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
UNREACHED = "Check the address in {} (user, password, host, name of the database), and that it can be reached."
ROWS_AT_ONCE = 100_000
# How a session is told to change nothing, where the database has a word for it; the others see a rolled-back one.
READ_ONLY = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET TRANSACTION READ ONLY",
    "mariadb": "SET TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}


def read_query(variable: str, name: str, file: str | PathLike[str] | None = None) -> Raw:
    """The rows of a table, or of a SELECT, of the database whose address the environment variable holds.

    Raises FunnelError; no message holds the address, for it has a password in it.
    """
    try:
        import sqlalchemy
    except ImportError:
        remedy = 'Install it: pip install "entonnoir[sql]".'
        raise FunnelError("databases need SQLAlchemy", file=file, remedy=remedy) from None
    address = os.environ.get(variable, "")
    if not address:
        remedy = f"Set it, as in: export {variable}=postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        raise FunnelError(f"the environment variable {variable} is not set", file=file, remedy=remedy)
    if TABLE.fullmatch(name):
        query = f"SELECT * FROM {name}"
    elif QUERY.match(name):
        query = name
    else:
        remedy = "Name a table, or write a query that begins with SELECT or WITH: nothing is ever changed."
        raise FunnelError("neither a table nor a query", file=file, examples=[name], remedy=remedy)
    try:
        url = sqlalchemy.make_url(address)
        only = {"read_only": True} if url.get_backend_name() == "duckdb" else {}
        engine = sqlalchemy.create_engine(url, connect_args=only)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        told = type(error).__name__ if isinstance(error, sqlalchemy.exc.ArgumentError) else f"no driver, {error}"
        remedy = "It must be an address such as postgresql+psycopg://USER:PASSWORD@HOST/DATABASE or duckdb:///FILE."
        raise FunnelError(f"the address in {variable} cannot be used ({told})", file=file, remedy=remedy) from None
    reached = False
    try:
        with engine.connect() as connection:
            reached = True
            if url.get_backend_name() in READ_ONLY:
                connection.execute(sqlalchemy.text(READ_ONLY[url.get_backend_name()]))
            result = connection.execution_options(stream_results=True).execute(sqlalchemy.text(query))
            names = list(result.keys())
            parts = [_arrow(names, rows) for rows in result.partitions(ROWS_AT_ONCE)]
            connection.rollback()
    except sqlalchemy.exc.SQLAlchemyError as error:
        told, remedy = _first_line(error, url), _advice(engine, name) if reached else UNREACHED.format(variable)
        raise FunnelError(f"the database says: {told}", file=file, examples=[name], remedy=remedy) from None
    finally:
        engine.dispose()
    if not parts:
        raise FunnelError("the query gives no row", file=file, examples=[name], remedy="Mend the query.")
    table = pa.concat_tables(parts, promote_options="permissive")
    shown = name if TABLE.fullmatch(name) else "query"
    return Raw(shown, pd.DataFrame(columns_of(table, names)).set_axis(np.arange(1, table.num_rows + 1), axis=0))


def _arrow(names: list[str], rows: Sequence[Sequence[object]]) -> pa.Table:
    return pa.table([_array(list(column)) for column in zip(*rows, strict=True)], names=names)


def _array(column: list[object]) -> pa.Array:
    try:
        return pa.array(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in column])


def _advice(engine: sqlalchemy.Engine, name: str) -> str:
    """What to do where the database is there and refuses."""
    import sqlalchemy

    if not TABLE.fullmatch(name):
        return "Mend the query."
    try:
        there = sqlalchemy.inspect(engine).get_table_names()
    except sqlalchemy.exc.SQLAlchemyError:
        there = []
    return f"Name another table. {near(name, there)}" if name not in there else "Ask for the right to read this table."


def _first_line(error: Exception, url: sqlalchemy.URL) -> str:
    """What the database itself says, without any part of the address that is secret. Words of the address that are
    parts of others stay.
    """
    told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    given = (url.password, url.username, url.host, *(str(value) for value in url.query.values()))
    for secret in sorted({part for one in given if one for part in (str(one), quote(str(one), safe=""))}, key=len)[
        ::-1
    ]:
        told = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", told, flags=re.IGNORECASE)
    return told
