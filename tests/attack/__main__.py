"""Measure what a flood of forged webhooks does to a customer: ``python -m tests.attack``."""

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

from payments_app.state.payments import PaymentsState
from tests.attack.floods import flood
from tests.attack.sockets import handler, pay, tab
from tests.attack.target import Target, target
from tests.support.roles import Kind

_LOOKS, _PAYMENTS = 100, 10


async def measure(here: Target, session: str) -> dict[str, list[float]]:
    """Return the milliseconds that a customer waited for each thing."""
    waits: dict[str, list[float]] = defaultdict(list)
    async with here.browser(Kind.NOBODY) as http, tab(here, session) as raw:
        for _ in range(_LOOKS):
            begun = time.perf_counter()
            (await http.get("/")).raise_for_status()
            waits["the page"].append((time.perf_counter() - begun) * 1000)
            begun = time.perf_counter()
            await raw.send(handler(PaymentsState, "load"), {})
            await raw.all_done()
            waits["the list of payments"].append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.15)  # within the pace of a tab
        for number in range(_PAYMENTS):
            begun = time.perf_counter()
            await pay(raw, f"{number + 60}.00")
            waits["pressing Pay"].append((time.perf_counter() - begun) * 1000)
    return waits


async def main() -> None:
    """Measure without the flood and with it, and print both."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        here = await stack.enter_async_context(target(folder))
        calm = await measure(here, here.tokens[Kind.CUSTOMER])
        begun = time.perf_counter()
        async with flood(here) as refused:
            flooded = await measure(here, here.victim)
        rate = sum(refused.values()) / (time.perf_counter() - begun)
    print(f"{rate:.0f} forged webhooks a second, answered {sorted(refused)}")
    for what, waits in calm.items():
        before, after = (statistics.quantiles(w, n=20)[-1] for w in (waits, flooded[what]))
        print(f"{what}: p95 {before:.0f} ms without, {after:.0f} ms with the flood")


if __name__ == "__main__":
    asyncio.run(main())
