"""The migrations make exactly the models' tables, up and down, without losing rows."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

from payments_app.db import models, schema
from payments_app.db.engine import Database
from tests.support.databases import Databases, migrate, migrations


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    """A database that was migrated from nothing."""
    url = databases.empty()
    migrate(url)
    database = Database(url)
    yield database
    await database.close()


def run(what: Callable[..., object], database: Database, *arguments: str) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(what, migrations(database.url), *arguments).result()


async def tables(database: Database) -> set[str]:
    def names(connection: Connection) -> set[str]:
        found = inspect(connection).get_table_names()
        return {name for name in found if not name.startswith("payment_search")}

    async with database.engine.connect() as connection:
        return await connection.run_sync(names)


async def test_migrations_make_every_table_of_the_models(database: Database) -> None:
    assert await tables(database) == {*schema.METADATA.tables, "alembic_version"}
    assert models.Payment.__tablename__ in await tables(database)


async def test_models_and_migrations_do_not_drift(database: Database) -> None:
    run(command.check, database)


async def test_migrations_go_down_and_up_again(database: Database) -> None:
    run(command.downgrade, database, "base")
    assert await tables(database) == {"alembic_version"}
    run(command.upgrade, database, "head")
    assert await tables(database) == {*schema.METADATA.tables, "alembic_version"}


async def test_migrating_a_database_that_is_up_to_date_changes_nothing(database: Database) -> None:
    async with database.write() as session:
        await session.execute(
            text(
                "insert into account (name, home_currency, minimum_payment, debit_limit,"
                " created_at) values ('Kept', 'USD', 0, 0, '2026-01-01')"
            )
        )
    run(command.upgrade, database, "head")
    async with database.read() as session:
        names = await session.execute(text("select name from account"))
    assert names.scalars().all() == ["Kept"]
