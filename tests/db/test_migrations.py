"""The migrations make exactly the models' tables, up and down, without losing rows."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text

from payments_app.db import models, schema
from tests.conftest import migrate, migrations


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "portal.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


def run(what: object, file: Path, *arguments: str) -> None:
    config = migrations(f"sqlite+aiosqlite:///{file}")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(what, config, *arguments).result()  # type: ignore[arg-type]


def tables(file: Path) -> set[str]:
    engine = create_engine(f"sqlite:///{file}")
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_migrations_make_every_table_of_the_models(file: Path) -> None:
    assert tables(file) == {*schema.METADATA.tables, "alembic_version"}
    assert models.Payment.__tablename__ in tables(file)


def test_models_and_migrations_do_not_drift(file: Path) -> None:
    run(command.check, file)


def test_migrations_go_down_and_up_again(file: Path) -> None:
    run(command.downgrade, file, "base")
    assert tables(file) == {"alembic_version"}
    run(command.upgrade, file, "head")
    assert tables(file) == {*schema.METADATA.tables, "alembic_version"}


def test_migrating_a_database_that_is_up_to_date_changes_nothing(file: Path) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into account (name, home_currency, minimum_payment, debit_limit,"
                " created_at) values ('Kept', 'USD', 0, 0, '2026-01-01')"
            )
        )
    run(command.upgrade, file, "head")
    with engine.connect() as connection:
        assert connection.execute(text("select name from account")).scalars().all() == ["Kept"]
    engine.dispose()
