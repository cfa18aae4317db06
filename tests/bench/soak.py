"""``python -m tests.bench.soak``: what a worker keeps of ended sessions and of a day's traffic.

Prints the memory of the portal's processes after many sessions were opened and closed, and hour by
hour of a day's traffic that is sent within ``--minutes``. It fails when either has grown too much.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Final

import aiohttp

from tests.bench.__main__ import running
from tests.bench.data import OPEN, PAYERS, SMALL, SqliteBench
from tests.bench.load import send_all
from tests.bench.stand import Stand
from tests.bench.tab import open_tabs
from tests.bench.webhook import CONNECTIONS, request

SESSIONS: Final = 1_000
HOURS: Final = 24
MOST_GROWTH: Final = 1.10

_AT_ONCE: Final = 20
_WARMING: Final = 500
"""Sessions until each connection has filled its cache of pages, which it keeps on purpose."""
_KEPT_SECONDS: Final = 5
"""How long Reflex keeps the state of a tab, for it to come back; usually an hour. The sessions take
half a minute: were it longer, all their states would be there at once."""
_MIB: Final = 2**20
_OPEN_A_DAY: Final = 9_600
_TABS_AN_HOUR: Final = 20
_CLICKS: Final = (
    ("go_older", {}),
    ("choose_status", {"status": "cancelled"}),
    ("search", {"text": "Monthly"}),
    ("clear", {}),
)


async def sessions(stand: Stand, count: int) -> None:
    """Open and close tabs, each in a browser that has just logged in."""
    for _ in range(0, count, _AT_ONCE):
        stand.cookies.clear()
        users = random.sample(range(1, PAYERS), _AT_ONCE)
        await asyncio.gather(*(_visit(stand, user) for user in users))


async def _visit(stand: Stand, user: int) -> None:
    async with open_tabs(stand, user) as [tab]:
        await tab.click("go_first")


async def hour(stand: Stand, number: int) -> None:
    """Send one hour of the day: visits, payments (a third of their messages twice), downloads."""
    await asyncio.gather(*(_work(stand, user) for user in random.sample(range(1, PAYERS), 10)))
    await sessions(stand, _TABS_AN_HOUR)
    each = _OPEN_A_DAY // HOURS
    messages = [await request(n) for n in range(number * each + 1, (number + 1) * each + 1)]
    await send_all(stand.portal.port, [*messages, *messages[::3]], CONNECTIONS)


async def _work(stand: Stand, user: int) -> None:
    async with open_tabs(stand, user) as [tab]:
        for handler, payload in _CLICKS:
            await tab.click(handler, **payload)
    headers = {"Cookie": await stand.cookie(user)}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{stand.portal.url}/exports/payments.csv") as answer,
    ):
        await answer.read()


async def measure(minutes: float, count: int) -> bool:
    """Print the figures; return whether they are within bounds."""
    assert OPEN >= _OPEN_A_DAY
    forgetting = {"REFLEX_REDIS_TOKEN_EXPIRATION": str(_KEPT_SECONDS)}
    async with running(SqliteBench(SMALL), **forgetting) as stand:
        await sessions(stand, _WARMING)
        before = await _resting(stand)
        await sessions(stand, count)
        after = await _resting(stand)
        print(f"{count} sessions: {_mib(before)} to {_mib(after)} ({after / before:.3f}x)")
        day = []
        for number in range(HOURS):
            ends = time.monotonic() + 60 * minutes / HOURS
            await hour(stand, number)
            await asyncio.sleep(max(0.0, ends - time.monotonic()))
            day.append(stand.memory())
            print(f"hour {number + 1:2}: {_mib(day[-1])}", flush=True)
    # The first hours fill what is kept on purpose (connections, statements, recent changes).
    quarter = HOURS // 4
    growth = statistics.median(day[-quarter:]) / statistics.median(day[quarter : 2 * quarter])
    print(f"the day's last quarter, to its second: {growth:.3f}x")
    return max(after / before, growth) <= MOST_GROWTH


async def _resting(stand: Stand) -> int:
    """Return the memory once what ended was cleared away."""
    await asyncio.sleep(_KEPT_SECONDS + 5)
    return stand.memory()


def _mib(size: float) -> str:
    return f"{size / _MIB:,.0f} MiB"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and end with 1 when memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for the day's traffic")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    asked = parser.parse_args(arguments)
    if not asyncio.run(measure(asked.minutes, asked.sessions)):
        sys.exit("memory grew")


if __name__ == "__main__":
    main()
