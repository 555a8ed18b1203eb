"""Rows from databases: the same tables as from files, nothing changed there, no secret in any message."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import sqlalchemy

from forecast.errors import FunnelError
from forecast.sources import load
from forecast.sources.sql import read_query
from tests.forecast.companies import SMALL, answered, sample_bytes, small, write_company

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a server started for these tests, with the small company in it."""
    if not SERVERS:
        pytest.skip("no PostgreSQL")
    programs = SERVERS[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="funnel-postgres-"))
    as_user: dict[str, int] = {}
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL runs as the user postgres, whom this machine does not have")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid}
    (folder / "password").write_text(PASSWORD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: object) -> None:
        subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=folder, **as_user)

    try:
        run(programs / "initdb", "-D", folder / "data", "-U", "funnel", "-A", "scram-sha-256",
            f"--pwfile={folder / 'password'}", "-E", "UTF8", "--no-sync")  # fmt: skip
        options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
        try:
            address = f"postgresql+psycopg://funnel:{PASSWORD}@127.0.0.1:{port}/postgres"
            _fill(address)
            yield address
        finally:
            run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _fill(address: str) -> None:
    made = small()
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        made.deals.to_sql("deals", connection, index=False)
        made.stage_history.to_sql("stage_history", connection, index=False)
        values = "1, 12.50::numeric, '2017-01-01'::date, '2017-01-01 10:00+02'::timestamptz, true, NULL, '{1}'::int[]"
        names = "id, amount, day, moment, flag, nothing, list"
        query = f"CREATE TABLE kinds AS SELECT * FROM (VALUES ({values})) AS t({names})"
        connection.execute(sqlalchemy.text(query))
    engine.dispose()


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("duck") / "crm.duckdb"
    made = small()
    tables = {"deals": made.deals, "stage_history": made.stage_history}
    with duckdb.connect(str(path)) as connection:
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return f"duckdb:///{path}"


def from_database(folder: Path) -> Path:
    """The small company's funnel file, reading the database that CRM_URL leads to."""
    write_company(folder, SMALL, small())
    text = (folder / "funnel.toml").read_text()
    text = text.replace('"deals.csv"', '"deals"').replace('"stage_history.csv"', '"SELECT * FROM stage_history"')
    (folder / "funnel.toml").write_text(text.replace("[source]\n", '[source]\ndatabase = "CRM_URL"\n'))
    for name in ("deals.csv", "stage_history.csv"):
        (folder / name).unlink()
    return folder


@pytest.mark.parametrize("database", ["postgres", "duck"])
def test_the_same_tables_as_from_files(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", request.getfixturevalue(database))
    _, files = load(write_company(tmp_path / "files", SMALL, small()))
    _, rows = load(from_database(tmp_path / "sql"))
    pd.testing.assert_frame_equal(files.deals, rows.deals)
    pd.testing.assert_frame_equal(files.stage_history, rows.stage_history)
    assert [file.read for file in rows.ledger.files] == [file.read for file in files.ledger.files]


def test_the_same_forecast_to_the_byte(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", postgres)
    files = answered(write_company(tmp_path / "files", SMALL, small()))
    rows = answered(from_database(tmp_path / "sql"))
    summaries = [{name: part for name, part in one.summary.items() if name != "quality"} for one in (files, rows)]
    for summary in summaries:
        summary["fit"] = {name: part for name, part in summary["fit"].items() if name != "seconds"}
    assert summaries[0] == summaries[1]
    assert sample_bytes(files, tmp_path) == sample_bytes(rows, tmp_path)


def test_every_kind_of_column(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", postgres)
    frame = read_query("CRM_URL", "kinds").frame
    assert frame.astype(str).iloc[0].tolist()[:2] == ["1", "12.5"]
    assert frame["day"].iloc[0] == pd.Timestamp("2017-01-01")
    assert frame["moment"].iloc[0] == pd.Timestamp("2017-01-01 08:00", tz="UTC")
    assert frame["nothing"].isna().all()


@pytest.mark.parametrize("database", ["postgres", "duck"])
def test_nothing_can_be_changed(database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    address = request.getfixturevalue(database)
    monkeypatch.setenv("CRM_URL", address)
    with pytest.raises(FunnelError, match="neither a table nor a query"):
        read_query("CRM_URL", "DELETE FROM deals")
    before = len(read_query("CRM_URL", "deals").frame)
    change = "WITH gone AS (DELETE FROM deals RETURNING *) SELECT * FROM gone"
    with pytest.raises(FunnelError, match="the database says"):
        read_query("CRM_URL", change)
    assert len(read_query("CRM_URL", "deals").frame) == before


def test_no_message_holds_the_password(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = postgres.replace(PASSWORD, "battery-staple")
    for address in (
        wrong,
        wrong.replace("127.0.0.1", "no.such.host"),
        "nonsense://a:battery-staple@b/c",
        "battery-staple",
    ):
        monkeypatch.setenv("CRM_URL", address)
        with pytest.raises(FunnelError) as caught:
            read_query("CRM_URL", "deals")
        assert "battery-staple" not in str(caught.value)
        assert "funnel" not in str(caught.value)  # the user
        assert "CRM_URL" in str(caught.value)
        assert "Mend the query" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_what_the_database_refuses_is_told(duck: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_URL", raising=False)
    with pytest.raises(FunnelError, match="environment variable CRM_URL is not set\nSet it"):
        read_query("CRM_URL", "deals")
    monkeypatch.setenv("CRM_URL", duck)
    with pytest.raises(FunnelError, match=r"the database says: .*dealz(.|\n)*Name another table. Did you mean 'deals'"):
        read_query("CRM_URL", "dealz")
    with pytest.raises(FunnelError, match=r"the database says: .*amounts(.|\n)*Mend the query"):
        read_query("CRM_URL", "SELECT amounts FROM deals")
    with pytest.raises(FunnelError, match="gives no row"):
        read_query("CRM_URL", "SELECT * FROM deals WHERE 1 = 2")
