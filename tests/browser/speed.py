"""Measure the customer's first page in Chromium: ``make speed``.

At a desk (the machine as it is) and over slow 4G on a phone (1.6 Mbit/s, 150 ms there and back, a
processor four times slower). The line is slowed by a proxy, byte for byte, since the browser's own
throttling leaves the event socket alone.
"""

import asyncio
import json
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.browser import chromium
from tests.support.portal import PortalServer
from tests.support.sandbox import free_port

RUNS: Final = 5
CUSTOMER: Final = ("maria@brightline.example", "maria-demo")
_CHUNK: Final = 1400
_WATCH: Final = """
new PerformanceObserver(list => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput) window.shift = (window.shift || 0) + entry.value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver(list => {
  for (const entry of list.getEntries())
    window.slowest = Math.max(window.slowest || 0, entry.duration);
}).observe({type: "event", buffered: true, durationThreshold: 16});
const note = (name, selector) => {
  const look = () => document.querySelector(selector)
    ? (window[name] = performance.now()) : requestAnimationFrame(look);
  requestAnimationFrame(look);
};
note("rows", "tbody tr .row-link");
note("alive", "table:not([aria-busy=true]) tbody tr .row-link");
"""
_NEXT_PAGE: Final = """
button => new Promise(shown => {
  const first = () => document.querySelector("tbody tr").textContent;
  const before = first(), began = performance.now();
  const look = () => requestAnimationFrame(
    () => first() === before ? look() : shown(performance.now() - began));
  button.click();
  look();
})
"""


@dataclass(frozen=True)
class Line:
    """A connection: bits a second (0: the machine's own, without a proxy), seconds one way, times
    that the processor is slower."""

    name: str
    bits: float
    one_way: float
    slower: float


LINES: Final = (Line("desk", 0, 0, 1), Line("slow 4G", 1.6e6, 0.075, 4))


@dataclass(frozen=True)
class Look:
    """One visit: milliseconds to the first paint, to the first rows, until they follow changes, of
    the slowest interaction and from a click to the next page's rows; KiB over the wire; layout
    shift."""

    paint: float
    rows: float
    alive: float
    interaction: float
    next_page: float
    weight: float
    shift: float


@asynccontextmanager
async def slowed(line: Line, directory: Path) -> AsyncIterator[str]:
    """Run a portal at the end of the line; gives its address."""
    own = free_port()
    address = f"http://127.0.0.1:{own}"
    portal = PortalServer(directory, **{"PUBLIC_URL": address} if line.bits else {})
    await portal.prepare()
    await portal.start()
    if not line.bits:
        yield portal.url
        await portal.stop()
        return
    turn = asyncio.Lock()

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await source.read(_CHUNK):
            async with turn:
                await asyncio.sleep(len(data) * 8 / line.bits)
            loop.call_later(line.one_way, target.write, data)
        loop.call_later(line.one_way, target.close)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", portal.port)
        await asyncio.gather(carry(reader, requests), carry(answers, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", own):
        yield address
    await portal.stop()


async def weigh(cdp: CDPSession) -> list[float]:
    """Collect how many bytes each answer had on the wire."""
    sizes: list[float] = []
    await cdp.send("Network.enable")
    cdp.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    return sizes


async def visit(browser: Browser, address: str, line: Line) -> Look:
    """Open the first page with an empty cache, and one payment's sheet."""
    context = await browser.new_context(base_url=address)
    email, password = CUSTOMER
    await context.request.post(
        "/auth/login",
        data={"email": email, "password": password},
        headers={"Origin": address},
        fail_on_status_code=True,
    )
    await context.add_init_script(_WATCH)
    page: Page = await context.new_page()
    cdp = await context.new_cdp_session(page)
    sizes = await weigh(cdp)
    await cdp.send("Emulation.setCPUThrottlingRate", {"rate": line.slower})
    await page.goto("/")
    await page.wait_for_selector("table:not([aria-busy=true]) .row-link", timeout=60_000)
    await page.wait_for_load_state("networkidle")
    weight = sum(sizes) / 1024
    next_page = await page.get_by_role("button", name="Older").evaluate(_NEXT_PAGE)
    await page.locator("tbody tr .row-link").first.click()
    await page.get_by_role("dialog").wait_for()
    told = await page.evaluate(
        "({rows: window.rows, alive: window.alive, shift: window.shift || 0,"
        " interaction: window.slowest || 0,"
        " paint: performance.getEntriesByName('first-contentful-paint')[0].startTime})"
    )
    await context.close()
    # What is there before the first paint is seen with it.
    rows = max(told["rows"], told["paint"])
    return Look(**told | {"weight": weight, "rows": rows, "next_page": next_page})


async def main() -> None:
    """Print the median of some visits on each line, and write them as JSON."""
    figures: dict[str, dict[str, float]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find(playwright.chromium.executable_path),
            args=chromium.FLAGS,
        )
        for line in LINES:
            with tempfile.TemporaryDirectory() as directory:
                async with slowed(line, Path(directory)) as address:
                    looks = [asdict(await visit(browser, address, line)) for _ in range(RUNS)]
            figures[line.name] = {
                name: statistics.median(look[name] for look in looks) for name in looks[0]
            }
        await browser.close()
    print(f"{'':8} paint ms  rows ms  alive ms  interaction ms  next page ms  KiB  shift")
    for name, told in figures.items():
        print(
            f"{name:8} {told['paint']:8.0f} {told['rows']:8.0f} {told['alive']:9.0f}"
            f" {told['interaction']:15.0f} {told['next_page']:13.0f}"
            f" {told['weight']:4.0f} {told['shift']:6.3f}"
        )
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())
