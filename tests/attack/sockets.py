"""A raw socket to the portal: sends what no page would, and keeps every word that comes back."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import reflex as rx
import socketio

from payments_app.state.checkout import CheckoutState
from payments_app.state.notice import NoticeState
from payments_app.state.pace import BURST
from tests.attack.target import Target

NAMESPACE: Final = "/_event"
HYDRATE: Final = "reflex___state____state.hydrate_and_load"
_SAY: Final = f"{NoticeState.get_full_name()}.failed"


class RawSocket:
    """One connection that asks to be tab ``token``; ``name`` is which one it became.

    ``heard`` is all that it was sent, ``shown`` the variables that its page would show.
    """

    def __init__(self, url: str, session: str, token: str, path: str) -> None:
        self.heard: list[str] = []
        self.shown: dict[str, Any] = {}
        self.client = socketio.AsyncClient(reconnection=False)
        self._url, self.name = url, token or secrets.token_hex(8)
        self._headers = {"Origin": url}
        if session:
            self._headers["Cookie"] = f"portal_session={session}"
        self.router: dict[str, Any] = {"pathname": path.partition("?")[0], "asPath": path}
        self._news = asyncio.Event()
        self.client.on("*", self._hear, namespace=NAMESPACE)

    async def _hear(self, event: str, *data: Any) -> None:
        self.heard.append(json.dumps([event, *data], ensure_ascii=False))
        if event == "new_token":
            (self.name,) = data
        for update in data:
            if isinstance(update, dict):
                for variables in (update.get("delta") or {}).values():
                    self.shown |= {k.removesuffix("_rx_state_"): v for k, v in variables.items()}
        self._news.set()

    async def connect(self, *, auth: Any = None, origin: str = "") -> None:
        """Open the connection as a page does; raises ConnectionError when it is refused."""
        boot = {"event": {"name": HYDRATE, "router_data": self.router}}
        try:
            await self.client.connect(
                f"{self._url}?token={self.name}",
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

    async def until_shown(self, name: str, *values: Any) -> None:
        """Wait until the page would show one of these values."""
        async with asyncio.timeout(30):
            while self.shown.get(name) not in values:
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


def handler(state: type[rx.State], name: str) -> str:
    """Return the full name of a state's handler, which may stand in a state above it."""
    for kind in state.__mro__:
        if name in vars(kind).get("event_handlers", {}):
            return f"{kind.get_full_name()}.{name}"
    raise LookupError(name)


async def pay(raw: RawSocket, amount: str, gateway: str = "paypal", presses: int = 1) -> None:
    """Fill in the Payment dialog, press Pay and wait for where that leads."""
    for name, payload in (
        ("open_dialog", {"name": ""}),
        ("choose_gateway", {"code": gateway}),
        ("choose_currency", {"code": "USD"}),
        ("type_amount", {"text": amount}),
    ):
        await raw.send(handler(CheckoutState, name), payload)
    await raw.all_done()
    attempt = raw.shown["attempt"]
    for _ in range(presses):
        await raw.send(handler(CheckoutState, "pay"), {"attempt": attempt})
    await raw.until_shown("step", "paying")
    await raw.until_shown("step", "leaving", "form", "stand")
