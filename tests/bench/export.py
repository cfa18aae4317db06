"""The CSV of a million payments, next to what the database's own program writes."""

import asyncio
import os
import statistics
import time
from typing import Any, Final

import aiohttp

from tests.bench.data import SqliteBench
from tests.bench.figures import Figure
from tests.bench.stand import Stand
from tests.bench.tab import Tab, open_tabs

_REPEATS: Final = 5
_CLICKS: Final = 15
_QUERY: Final = (
    "select dated_at, amount, currency, status, description, gateway, reference, reason"
    " from payment where account_id = 1 order by dated_at desc, id desc"
)
_MIB: Final = 2**20


async def measure(stand: Stand) -> list[Figure]:
    """Download it some times, alternating with the limit; the least of each counts.

    How long others wait is measured in downloads of their own, since their clicks take time too.
    """
    limits, totals, firsts, delays = [], [], [], []
    before = most = stand.memory()
    async with open_tabs(stand, 2) as [tab]:
        for _ in range(_REPEATS):
            limits.append(await _limit(stand))
            first, total, peak = await _download(stand)
            firsts.append(first)
            totals.append(total)
            most = max(most, peak)
            usual = statistics.median([await tab.click("go_first") for _ in range(_CLICKS)])
            slowest = await _slowest_click(tab, asyncio.create_task(_download(stand)))
            delays.append(slowest - usual)
    goal = "2.5x" if isinstance(stand.bench, SqliteBench) else "1.3x"
    return [
        Figure("csv", "all rows", min(totals), "s", min(limits), goal),
        Figure("csv", "first byte", 1000 * min(firsts), "ms", goal="10 ms"),
        Figure("csv", "memory growth", (most - before) / _MIB, "MiB", goal="25 MiB"),
        Figure("csv", "delay of others' slowest click", 1000 * min(delays), "ms", goal="100 ms"),
    ]


async def _download(stand: Stand) -> tuple[float, float, int]:
    """Return the seconds to the first byte and to the last, and the most memory meanwhile."""
    headers = {"Cookie": await stand.cookie(1), "Accept-Encoding": "identity"}
    began, first, most = time.perf_counter(), 0.0, 0
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{stand.portal.url}/exports/payments.csv") as answer,
    ):
        answer.raise_for_status()
        pieces = 0
        async for piece in answer.content.iter_any():
            first = first or time.perf_counter() - began
            pieces += len(piece)
            if pieces > 10 * _MIB:
                pieces, most = 0, max(most, stand.memory())
    return first, time.perf_counter() - began, most


async def _slowest_click(tab: Tab, download: asyncio.Task[Any]) -> float:
    slowest = 0.0
    while not download.done():
        slowest = max(slowest, await tab.click("go_first"))
    await download
    return slowest


async def _limit(stand: Stand) -> float:
    """Let the database's own program write the bare columns; return the seconds."""
    if isinstance(stand.bench, SqliteBench):
        command = ["sqlite3", "-csv", "-header", str(stand.portal.database_path), _QUERY]
    else:
        command = [*stand.bench.psql(stand.database.url), "-c", rf"\copy ({_QUERY}) to stdout csv"]
    began = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:  # noqa: ASYNC230, PTH123
        program = await asyncio.create_subprocess_exec(*command, stdout=nowhere)
        if await program.wait():
            raise RuntimeError(f"{command[0]} ended with {program.returncode}")
    return time.perf_counter() - began
