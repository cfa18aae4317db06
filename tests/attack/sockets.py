"""A raw socket to the portal: sends what no page would, and keeps every word that comes back."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import socketio

from payments_app.state.notice import NoticeState
from payments_app.state.pace import BURST
from tests.attack.target import Target

NAMESPACE: Final = "/_event"
HYDRATE: Final = "reflex___state____state.hydrate_and_load"
_SAY: Final = f"{NoticeState.get_full_name()}.failed"


class RawSocket:
    """One connection that names itself as tab ``token``; ``heard`` is all that it was sent."""

    def __init__(self, url: str, session: str, token: str, path: str) -> None:
        self.heard: list[str] = []
        self.client = socketio.AsyncClient(reconnection=False)
        self._url, self._token = url, token or secrets.token_hex(8)
        self._headers = {"Origin": url}
        if session:
            self._headers["Cookie"] = f"portal_session={session}"
        self.router: dict[str, Any] = {"pathname": path.partition("?")[0], "asPath": path}
        self._news = asyncio.Event()
        self.client.on("*", self._hear, namespace=NAMESPACE)

    async def _hear(self, event: str, *data: Any) -> None:
        self.heard.append(json.dumps([event, *data], ensure_ascii=False))
        self._news.set()

    async def connect(self, *, auth: Any = None, origin: str = "") -> None:
        """Open the connection as a page does; raises ConnectionError when it is refused."""
        boot = {"event": {"name": HYDRATE, "router_data": self.router}}
        try:
            await self.client.connect(
                f"{self._url}?token={self._token}",
                headers=self._headers | ({"Origin": origin} if origin else {}),
                auth=boot if auth is None else auth,
                transports=["websocket"],
                namespaces=[NAMESPACE],
                socketio_path="_event",
                wait_timeout=10,
            )
        finally:
            if not self.client.connected and self.client.eio.http:
                await self.client.eio.http.close()

    async def send(self, name: str, payload: dict[str, Any]) -> None:
        """Send an event in the form that pages use."""
        await self.emit({"name": name, "payload": payload, "router_data": self.router})

    async def emit(self, *data: Any, event: str = "event") -> None:
        """Send anything."""
        await self.client.emit(event, data, namespace=NAMESPACE)

    async def until_heard(self, text: str) -> None:
        """Wait until the portal has said this."""
        async with asyncio.timeout(30):
            while not any(text in said for said in self.heard):
                self._news.clear()
                await self._news.wait()

    async def all_done(self) -> None:
        """Wait until the events sent so far have run, which those of one tab do in turn."""
        mark = secrets.token_hex(8)
        await self.send(_SAY, {"reference": mark})
        await self.until_heard(mark)

    def said(self) -> str:
        """Return all that was heard."""
        return "\n".join(self.heard)


@asynccontextmanager
async def tab(
    target: Target, session: str = "", *, token: str = "", path: str = "/"
) -> AsyncIterator[RawSocket]:
    """Open a tab, with a login or without; it is closed when the block ends."""
    raw = RawSocket(target.portal.url, session, token, path)
    await raw.connect()
    try:
        yield raw
    finally:
        await raw.client.disconnect()


async def send_all(
    target: Target, session: str, events: Iterable[tuple[str, dict[str, Any]]], path: str = "/"
) -> str:
    """Send events from as many tabs as their pace asks for; returns all that was heard."""
    waiting, said = list(events), []
    while waiting:
        batch, waiting = waiting[: BURST - 5], waiting[BURST - 5 :]
        async with tab(target, session, path=path) as raw:
            for name, payload in batch:
                await raw.send(name, payload)
            await raw.all_done()
            said.append(raw.said())
    return "\n".join(said)
