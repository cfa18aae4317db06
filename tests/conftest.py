"""Fixtures for all tests: a database of one's own and a portal around it."""

import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from payments_app.db.engine import Database
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support.clock import Clock

ROOT = Path(__file__).parent.parent


def migrations(url: str) -> Config:
    """Alembic's configuration for the database at ``url``."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url)
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision. In a thread, since env.py runs an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(command.upgrade, migrations(url), revision).result()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "portal.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
async def database(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated, empty database for one test."""
    path = tmp_path / "portal.db"
    shutil.copyfile(migrated_file, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    """The portal's clock, which stands still until it is moved."""
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Sandbox settings that read no .env file."""
    return Settings(_env_file=None, data_dir=tmp_path, public_url="http://portal.test")


@pytest.fixture
def portal(database: Database, settings: Settings, clock: Clock) -> Portal:
    """A portal without gateways; ``dataclasses.replace(portal, gateways=...)`` adds some."""
    return Portal(settings=settings, db=database, gateways={}, clock=clock)
