"""What an open tab costs: memory, the processor time to open it, and that of just being open."""

import asyncio
from typing import Final

from tests.bench.figures import Figure
from tests.bench.stand import Stand
from tests.bench.tab import open_tabs

_TABS: Final = 200
_PAYER: Final = 3
_IDLE_SECONDS: Final = 30
_MINUTE: Final = 60


async def measure(stand: Stand, user_id: int = _PAYER) -> list[Figure]:
    """Open tabs of the payments page and leave them alone; a first one has warmed everything."""
    async with open_tabs(stand, user_id):
        memory, used = stand.memory(), stand.processor_seconds()
        await asyncio.sleep(_IDLE_SECONDS)
        alone = stand.processor_seconds() - used
        used = stand.processor_seconds()
        async with open_tabs(stand, user_id, _TABS):
            opened = stand.processor_seconds() - used
            grown = stand.memory() - memory
            used = stand.processor_seconds()
            await asyncio.sleep(_IDLE_SECONDS)
            idle = stand.processor_seconds() - used - alone
    per_minute = 1000 * max(idle, 0) / _TABS * _MINUTE / _IDLE_SECONDS
    return [
        Figure("tab", "memory a tab", grown / _TABS / 1024, "kB"),
        Figure("tab", "processor to open it", 1000 * opened / _TABS, "ms"),
        Figure("tab", "processor a minute, idle", per_minute, "ms"),
    ]
