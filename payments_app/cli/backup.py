"""Back the database up while the portal runs: ``python -m payments_app.cli.backup PATH``.

The file holds one moment of the database: SQLite writes a compacted copy, PostgreSQL a dump in its
custom format, for which ``pg_dump`` has to be on PATH.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from payments_app.settings import Settings


class BackupFailed(Exception):
    """There is no new backup, or nothing was restored; the text says why."""


def back_up(database_url: str, path: Path) -> None:
    """Write a backup to ``path``, which appears only when it is whole. Raises BackupFailed."""
    url = make_url(database_url)
    if path.exists():
        raise BackupFailed(f"{path} is there already")
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(0o600)
    try:
        if url.get_backend_name() == "sqlite":
            _copy(Path(url.database or ""), partial)
        else:
            run_postgres(url, "pg_dump", "--format=custom", f"--file={partial}")
    except BackupFailed:
        partial.unlink()
        raise
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(path)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise BackupFailed(f"{source} is not there")
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def run_postgres(url: URL, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a database; the password is not seen in its arguments.

    Raises BackupFailed.
    """
    address = url.set(drivername="postgresql", password=None)
    options = dict(address.query)
    if "ssl" in options:  # asyncpg's name for it
        options["sslmode"] = options.pop("ssl")
    dbname = address.set(query=options).render_as_string()
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    run_program(program, *arguments, f"--dbname={dbname}", **password)


def run_program(program: str, *arguments: str, **environment: str) -> None:
    """Run a program to its end. Raises BackupFailed with what it complains of."""
    try:
        done = subprocess.run(
            [program, *arguments], env=os.environ | environment, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise BackupFailed(f"{program} is not on PATH") from None
    if done.returncode != 0:
        raise BackupFailed(f"{program}: {done.stderr.strip()}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m payments_app.cli.backup", description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    try:
        back_up(Settings().database_url, path)
    except BackupFailed as failure:
        sys.exit(f"No backup was made: {failure}")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
