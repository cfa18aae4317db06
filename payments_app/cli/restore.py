"""Restore a backup and bring it up to date: ``python -m payments_app.cli.restore PATH``.

Stop the portal first. The backup is put in the place of the database, migrated to this version, and
then every gateway is asked for what was paid since.
"""

import argparse
import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from payments_app.cli.backup import BackupFailed, run_postgres, run_program
from payments_app.cli.build import ROOT
from payments_app.cli.catch_up import bring_up_to_date
from payments_app.db import own_rows
from payments_app.db.engine import Database
from payments_app.settings import Settings

_EMPTY: Final = """
do $$ declare thing text; begin
  foreach thing in array array(
    select concat('table if exists ', oid::regclass) from pg_class
      where relnamespace = current_schema()::regnamespace and relkind = 'r'
    union all
    select concat('function if exists ', oid::regprocedure) from pg_proc as one
      where pronamespace = current_schema()::regnamespace
      and not exists (select from pg_depend where objid = one.oid and deptype = 'e')
  ) loop
    execute concat('drop ', thing, ' cascade');
  end loop;
end $$
"""


def restore(database_url: str, path: Path, *, replace: bool) -> None:
    """Put the backup at ``path`` in the place of the database.

    One that has tables is only replaced when ``replace`` says so. Raises BackupFailed.
    """
    if not path.is_file():
        raise BackupFailed(f"{path} is not there")
    if not replace and asyncio.run(_has_tables(database_url)):
        raise BackupFailed("the database is not empty; --replace throws away what it holds")
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        _put_back(path, Path(url.database or ""))
    else:
        # To the end, before anything is thrown away for it.
        run_program("pg_restore", f"--file={os.devnull}", str(path))
        asyncio.run(_make_ready(database_url, replace=replace))
        options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
        run_postgres(url, "pg_restore", *options, str(path))


async def _make_ready(database_url: str, *, replace: bool) -> None:
    """Make the role that a backup names, and empty the database to ``replace`` it, since one of an
    earlier version does not know everything there."""
    database = Database(database_url)
    try:
        async with database.write() as session:
            if replace:
                await session.execute(text(_EMPTY))
            await own_rows.make_role(session)
    finally:
        await database.close()


async def _has_tables(database_url: str) -> bool:
    database = Database(database_url)
    try:
        async with database.engine.connect() as connection:
            return bool(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    finally:
        await database.close()


def _put_back(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError as error:
            verdict = str(error)
    if verdict != "ok":
        raise BackupFailed(f"{path} is damaged: {verdict}")
    partial = target.with_name(f"{target.name}.partial")
    shutil.copyfile(path, partial)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    # What the old file had not taken in yet must not be applied to the new one.
    for remains in ("-wal", "-shm"):
        target.with_name(target.name + remains).unlink(missing_ok=True)
    partial.replace(target)


def migrate() -> None:
    """Bring the database to this version. Raises BackupFailed."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BackupFailed(f"it cannot be migrated: {done.stderr.strip()}")


def main() -> int:
    """Read the command line; returns 1 when a gateway did not tell what was paid since."""
    parser = argparse.ArgumentParser(prog="python -m payments_app.cli.restore", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--replace", action="store_true", help="throw the present database away")
    given = parser.parse_args()
    try:
        restore(Settings().database_url, given.path, replace=given.replace)
        migrate()
    except BackupFailed as failure:
        sys.exit(f"Not restored: {failure}")
    return asyncio.run(bring_up_to_date())


if __name__ == "__main__":
    sys.exit(main())
