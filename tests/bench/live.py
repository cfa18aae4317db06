"""From a webhook to the last of many open tabs, next to a bare broadcast of as many bytes."""

import asyncio
import re
import statistics
import time
from typing import Final

import aiohttp
from aiohttp import web

from tests.bench.data import OPEN, PAYERS
from tests.bench.figures import Figure
from tests.bench.load import send_all
from tests.bench.stand import Stand
from tests.bench.tab import Tab, open_tabs
from tests.bench.webhook import request
from tests.support.sandbox import free_port

_REPEATS: Final = 9
_CROWDS: Final = {1: "", 100: "50 ms", 400: "200 ms"}
_PAYER: Final = 3
_READS: Final = re.compile(r"^portal_database_seconds_count (\S+)", re.MULTILINE)
_QUIET_SECONDS: Final = 0.3


async def measure(stand: Stand) -> list[Figure]:
    """Settle single payments while crowds of tabs look on."""
    figures = []
    for crowd, goal in _CROWDS.items():
        async with open_tabs(stand, _PAYER, crowd) as tabs:
            waits, sizes, statements = [], [], []
            for _ in range(_REPEATS):
                before = [tab.received for tab in tabs]
                counted = await _statements(stand)
                waits.append(1000 * await _change(stand, tabs))
                await asyncio.sleep(_QUIET_SECONDS)
                statements.append(await _statements(stand) - counted)
                sizes += [tab.received - size for tab, size in zip(tabs, before, strict=True)]
        size = statistics.mean(sizes)
        bare = 1000 * await _broadcast(crowd, int(size))
        last = statistics.median(waits)
        figures += [
            Figure("live", f"last of {crowd} tabs", last, "ms", bare, goal),
            Figure("live", f"bytes a tab, {crowd} tabs", size, "B", goal="1,024 B"),
            Figure("live", f"statements a change, {crowd} tabs", min(statements), ""),
        ]
    return figures


async def _change(stand: Stand, tabs: list[Tab]) -> float:
    """Pay one of the payer's payments; return the seconds until the last tab knew."""
    stand.watched += 1
    message = await request(OPEN - stand.watched * PAYERS)
    told = [asyncio.create_task(tab.delta("patch")) for tab in tabs]
    await asyncio.sleep(0)
    began = time.perf_counter()
    await send_all(stand.portal.port, [message], 1)
    await asyncio.gather(*told)
    return time.perf_counter() - began


async def _statements(stand: Stand) -> float:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{stand.portal.url}/metrics") as answer,
    ):
        answer.raise_for_status()
        found = _READS.search(await answer.text())
    return float(found[1]) if found else 0


async def _broadcast(crowd: int, size: int) -> float:
    """Return the seconds from a bare server's first send to the last client's receipt."""
    sockets: list[web.WebSocketResponse] = []
    done = asyncio.Event()

    async def take(http: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(http)
        sockets.append(socket)
        await done.wait()
        return socket

    app, port = web.Application(), free_port()
    app.router.add_get("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        tabs = [await client.ws_connect(f"http://127.0.0.1:{port}/") for _ in range(crowd)]
        waits = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            for socket in sockets:
                await socket.send_str("x" * size)
            await asyncio.gather(*(tab.receive_str() for tab in tabs))
            waits.append(time.perf_counter() - began)
        done.set()
        await asyncio.gather(*(tab.close() for tab in tabs))
    await runner.cleanup()
    return statistics.median(waits)
