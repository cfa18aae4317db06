"""A browser's tab without the browser: the event socket, spoken with as little as it takes."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from tests.bench.stand import Stand

_PACE_SECONDS: Final = 0.06
"""The portal slows down a tab that sends faster than people do."""
_TABS_OF_A_BROWSER: Final = 30
_NAMESPACE: Final = "/_event"
_HYDRATE: Final = "reflex___state____state.hydrate_and_load"
_ROUTER: Final = {"pathname": "/", "asPath": "/"}
_SESSION: Final = "reflex___state____state.payments_app___state___session____session_state"
PAYMENTS: Final = f"{_SESSION}.payments_app___state___payments____payments_state"


class Tab:
    """One open socket; ``received`` counts the bytes of its messages."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.received = 0

    async def send(self, handler: str, **payload: Any) -> None:
        """Send an event of the payments page."""
        event = {
            "name": f"{PAYMENTS}.{handler}",
            "payload": payload,
            "router_data": _ROUTER,
        }
        await self._socket.send_str(f"42{_NAMESPACE},{json.dumps(['event', event])}")

    async def delta(self, wanted: str = "rows") -> dict[str, Any]:
        """Wait for the next message that sets this variable of the payments page."""
        while True:
            changes: dict[str, Any] = (await self._update()).get("delta", {}).get(PAYMENTS, {})
            if any(name.startswith(wanted) for name in changes):
                return changes

    async def click(self, handler: str, **payload: Any) -> float:
        """Send an event and return the seconds until its rows came."""
        await asyncio.sleep(_PACE_SECONDS)
        began = time.perf_counter()
        await self.send(handler, **payload)
        await self.delta()
        return time.perf_counter() - began

    async def _update(self) -> dict[str, Any]:
        while True:
            text = await self._socket.receive_str()
            if text == "2":
                await self._socket.send_str("3")
            elif text.startswith(f"42{_NAMESPACE},"):
                self.received += len(text)
                name, said = json.loads(text.partition(",")[2])
                if name == "event":
                    update: dict[str, Any] = said
                    return update

    async def close(self) -> None:
        """Close the socket."""
        await self._socket.close()

    async def connected(self) -> None:
        """Take the socket into use, load the page and wait for its rows."""
        await self._socket.receive_str()
        boot = {"event": {"name": _HYDRATE, "router_data": _ROUTER}}
        await self._socket.send_str(f"40{_NAMESPACE},{json.dumps(boot)}")
        while (await self.delta()).get("phase_rx_state_") != "ready":
            pass


@asynccontextmanager
async def open_tabs(stand: Stand, user_id: int, count: int = 1) -> AsyncIterator[list[Tab]]:
    """Open tabs of a user with the payments page loaded."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        tabs = []
        for number in range(count):
            cookie = await stand.cookie(user_id, number // _TABS_OF_A_BROWSER)
            token = secrets.token_hex(16)
            address = f"{stand.portal.url}/_event/?EIO=4&transport=websocket&token={token}"
            headers = {"Cookie": cookie, "Origin": stand.portal.url}
            tab = Tab(await client.ws_connect(address, max_msg_size=0, headers=headers))
            await tab.connected()
            tabs.append(tab)
        yield tabs
        await asyncio.gather(*(tab.close() for tab in tabs))
