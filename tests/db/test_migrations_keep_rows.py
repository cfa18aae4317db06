"""Migrations keep what is in the tables: from every earlier revision up, down again, and up."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    String,
    Table,
    select,
)

from payments_app.cli.build import ROOT
from payments_app.db.engine import Database
from tests.support.databases import Databases, migrations

WHEN = datetime(2026, 7, 1, 9, tzinfo=UTC)

# What the tables' rules ask for, by the names of columns; everything else is made from the type.
VALUES = {
    "home_currency": "USD",
    "currency": "USD",
    "role": "customer",
    "kind": "top_up",
    "status": "completed",
    "completed_at": WHEN,
    "purpose": "reset",
}
NOT_FILLED = {"parent_id", "decided_by"}
OF_MIGRATIONS = {"alembic_version", "audit_head"}
"""Tables whose rows migrations write themselves."""
T = TypeVar("T")
Rows = dict[str, list[dict[str, object]]]


def tables(connection: Connection) -> list[Table]:
    """Read which tables there are at this revision, parents first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if "payment_search" not in table.name]


def write_rows(connection: Connection, number: int) -> None:
    """Write one row into every table, all about the same account."""
    for table in tables(connection):
        if table.name not in OF_MIGRATIONS:
            filled = {
                column.name: value(column, number)
                for column in table.columns
                if (not column.nullable or column.foreign_keys or column.name in VALUES)
                and column.name not in NOT_FILLED
            }
            connection.execute(table.insert().values(filled))


def value(column: Column[Any], number: int) -> object:
    if column.name in VALUES:
        return VALUES[column.name]
    match column.type:
        case String():
            return f"{column.name}{number}"
        case LargeBinary():
            return number.to_bytes(32)
        case DateTime():
            return WHEN + timedelta(minutes=number)
        case Date():
            return WHEN.date()
        case Boolean():
            return False
        case JSON():
            return {"number": number}
    return number


def rows(connection: Connection) -> Rows:
    """Read everything that is there."""
    return {
        table.name: [
            {name: str(cell) for name, cell in row.items()}
            for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
        ]
        for table in tables(connection)
        if table.name != "alembic_version"
    }


def within(all_rows: Rows, fewer: Rows) -> Rows:
    """Leave only the tables and columns of ``fewer``."""
    return {
        table: [{name: row[name] for name in fewer[table][0]} for row in all_rows[table]]
        for table in fewer
    }


def step(what: Callable[..., object], url: str, *revision: str) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(what, migrations(url), *revision).result()


async def at(url: str, work: Callable[[Connection], T]) -> T:
    database = Database(url)
    try:
        async with database.write() as session:
            return await (await session.connection()).run_sync(work)
    finally:
        await database.close()


async def test_rows_of_every_revision_go_up_down_and_up(databases: Databases) -> None:
    url = databases.empty()
    scripts = ScriptDirectory.from_config(migrations(url)).walk_revisions()
    *earlier, head = [script.revision for script in scripts][::-1]
    assert earlier
    for number, revision in enumerate([*earlier, head], 1):
        step(command.upgrade, url, revision)
        await at(url, partial(write_rows, number=number))
    written = await at(url, rows)
    assert all(written.values())
    assert len(written["payment"]) == len(earlier) + 1
    for revision in reversed(earlier):
        step(command.downgrade, url, revision)
        there = await at(url, rows)
        assert there == within(written, there), revision
    step(command.upgrade, url, head)
    assert within(await at(url, rows), there) == there


async def test_two_workers_that_start_at_once_migrate_once(databases: Databases) -> None:
    url = databases.empty()

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url},
            stderr=subprocess.PIPE,
            text=True,
        )

    workers = [start() for _ in range(3)]
    for worker in workers:
        _, said = await asyncio.to_thread(worker.communicate)
        assert worker.returncode == 0, said
    step(command.check, url)
