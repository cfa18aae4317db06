"""Fixtures for all tests: a database of one's own and a portal around it.

``database``      migrated and empty; a test that uses it runs on SQLite and on PostgreSQL.
``database_url``  the address of the same, for a test that opens it by itself.
``postgres_url``  the same on PostgreSQL only, such as for a portal in a process of its own.
``redis``         a Redis server; ``redis.url``, ``redis.stop()``, ``redis.start()``.
``databases``     as many fresh databases as a test asks for, on each of the two in turn.
"""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from payments_app.db.engine import Database
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support.clock import Clock
from tests.support.databases import Databases, Postgres, Sqlite
from tests.support.memory import keep_files_in_memory
from tests.support.redis import RedisServer
from tests.support.sharing import SharingScheduling

keep_files_in_memory()
# How long an example takes says more about the machine's other work than about the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
_GARBAGE = 20_000
"""New objects before the next look for garbage; 700, as usual, cost a tenth of the whole time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharingScheduling | None:
    """Let ``--dist loadfile`` also keep the files together that share a portal."""
    return SharingScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what the imports made: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """Files of the embedded database."""
    return Sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, one for each worker of the tests."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server of one's own, running."""
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """The databases of this run of the test: on SQLite, then on PostgreSQL."""
    chosen: Databases = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """Where a migrated, empty database for one test is."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Where a migrated, empty PostgreSQL database for one test is."""
    with postgres.fresh() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database for one test."""
    database = Database(database_url)
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


@pytest.fixture(autouse=True)
def logging_to_stdout() -> None:
    """Log as lines on standard output, whatever the test before has configured."""
    plain = structlog.dev.plain_traceback
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)],
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
