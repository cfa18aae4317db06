"""``python -m tests.bench [JOB ...]``: measure the portal next to the limits of this machine.

Prints a table and writes ``var/bench/figures.json``. The first run makes the databases, which takes
some minutes. Figures of a busy machine are only good as ratios.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from payments_app.cli.build import ensure_built
from payments_app.db.engine import Database
from tests.bench import crowd, export, live, pages, webhook
from tests.bench.data import FOLDER, PostgresBench, SqliteBench
from tests.bench.figures import Figure, as_json, machine, table
from tests.bench.stand import Stand
from tests.support.portal import PortalServer


async def _start(stand: Stand) -> list[Figure]:
    return [Figure("start", "prebuilt, until it answers", stand.start_seconds, "s", goal="3 s")]


JOBS: Final[dict[str, Callable[[Stand], Awaitable[list[Figure]]]]] = {
    "start": _start,
    "list": pages.measure,
    "csv": export.measure,
    "live": live.measure,
    "webhook": webhook.measure,
    "tab": crowd.measure,
}
DATABASES: Final = {"sqlite": SqliteBench, "postgresql": PostgresBench}


@asynccontextmanager
async def running(bench: SqliteBench | PostgresBench, **settings: str) -> AsyncIterator[Stand]:
    """Run a portal on a copy of the database; it sends no e-mail and asks no gateway."""
    await bench.prepare()
    with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as folder:
        url = await bench.copy(Path(folder))
        quiet = {"LOG_LEVEL": "WARNING", "SWEEP_INTERVAL_SECONDS": "3600"}
        portal = PortalServer(Path(folder), DATABASE_URL=url, **quiet, **settings)
        began = time.perf_counter()
        await portal.start()
        database = Database(url)
        try:
            yield Stand(bench, portal, database, time.perf_counter() - began)
        finally:
            await database.close()
            await portal.stop()
            bench.close()


async def _measure(jobs: Sequence[str], databases: Sequence[str]) -> None:
    ensure_built()
    figures: list[tuple[str, Figure]] = []
    for name in databases:
        async with running(DATABASES[name]()) as stand:
            for job in jobs:
                print(f"{name}: {job} ...", flush=True)
                measured = [(name, figure) for figure in await JOBS[job](stand)]
                print(table(measured), flush=True)
                figures += measured
    print(", ".join(f"{key} {value}" for key, value in machine().items()), end="\n\n")
    print(table(figures))
    (FOLDER / "figures.json").write_text(json.dumps(as_json(figures), indent=2))


def main() -> None:
    """Run the jobs that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(JOBS)}")
    parser.add_argument("--database", choices=DATABASES, action="append")
    asked = parser.parse_args()
    if unknown := set(asked.jobs) - set(JOBS):
        parser.error(f"there is no job {', '.join(sorted(unknown))}; choose of {', '.join(JOBS)}")
    asyncio.run(_measure(asked.jobs or list(JOBS), asked.database or list(DATABASES)))


if __name__ == "__main__":
    main()
