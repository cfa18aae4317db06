"""Migrations keep what is in the tables: from every earlier revision up, down again, and up."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from payments_app.cli.build import ROOT
from payments_app.db.engine import Database
from tests.support.databases import Databases, migrations

WHEN = "2026-07-01 09:00:00+00:00"

# One account's story with the columns of the first revision; {n} is a new number each time.
STORY = {
    "account": "(id, name, home_currency, minimum_payment, debit_limit, created_at)"
    " values ({n}, 'Account {n}', 'USD', 0, 0, '{at}')",
    "app_user": "(id, email, name, password_hash, role, account_id, time_zone, locale, created_at)"
    " values ({n}, 'user{n}@example.com', 'User', 'x', 'customer', {n}, 'UTC', 'en', '{at}')",
    "payment": "(id, reference, account_id, user_id, kind, status, in_review, amount, currency,"
    " description, private_note, checks, created_at, completed_at, dated_at)"
    " values ({n}, 'REFERENCE{n}', {n}, {n}, 'top_up', 'completed', false, 2500, 'USD',"
    " 'Top-up', '', 0, '{at}', '{at}', '{at}')",
    "balance": "(account_id, currency, amount) values ({n}, 'USD', 2500)",
    "timeline_entry": "(id, payment_id, at, code, actor, details)"
    " values ({n}, {n}, '{at}', 'completed', 'webhook', '{{\"balance\": 2500}}')",
    "gateway_event": "(id, gateway, event_id, kind, verified, headers, body, payment_id,"
    " received_at, times_received, attempts) values ({n}, 'card', 'evt_{n}', 'paid', true,"
    " '{{}}', '{{}}', {n}, '{at}', 1, 0)",
}
T = TypeVar("T")
Rows = dict[str, list[tuple[object, ...]]]


def write_story(connection: Connection, number: int) -> None:
    for table, columns in STORY.items():
        connection.execute(text(f"insert into {table} {columns.format(n=number, at=WHEN)}"))


def kept(connection: Connection) -> Rows:
    """Read what the first revision's columns hold."""
    found: Rows = {}
    for table, columns in STORY.items():
        names = columns.partition(" values")[0].strip("()")
        query = text(f"select {names} from {table} order by 1")
        found[table] = [tuple(map(str, row)) for row in connection.execute(query)]
    return found


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
        await at(url, partial(write_story, number=number))
    written = await at(url, kept)
    assert {len(rows) for rows in written.values()} == {len(earlier) + 1}
    for revision in reversed(earlier):
        step(command.downgrade, url, revision)
        assert await at(url, kept) == written, revision
    step(command.upgrade, url, head)
    assert await at(url, kept) == written


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
