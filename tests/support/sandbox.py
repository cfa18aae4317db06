"""A running sandbox and a webhook receiver, both real HTTP servers on this event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from fastapi import FastAPI, Request, Response
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

from payments_app.gateways.http import tls
from payments_app.sandbox.app import Sandbox, create_sandbox
from payments_app.sandbox.registry import TWINS
from payments_app.sandbox.twin import Twin

T = TypeVar("T")
PATIENCE_SECONDS = 60


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """Ask again until the answer is truthy, and return it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await look()):
            await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """Serve an ASGI app on 127.0.0.1 until the block ends."""
    server = Server(app, port=port, interface=Interfaces.ASGINL, log_enabled=False)
    task = asyncio.create_task(server.serve())

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    await eventually(answers)
    try:
        yield
    finally:
        server.stop()
        await task


class FakeClock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Delivery:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Stands in the portal's place: records what arrives, answers ``statuses``, then 200."""

    url: str
    deliveries: list[Delivery] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: Request) -> Response:
        """Record one delivery."""
        body = await request.body()
        async with self.arrived:
            self.deliveries.append(Delivery(request.url.path, dict(request.headers), body))
            self.arrived.notify_all()
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    async def wait_for(self, count: int) -> list[Delivery]:
        """Wait until so many deliveries have come in all."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.arrived:
            await self.arrived.wait_for(lambda: len(self.deliveries) >= count)
            return list(self.deliveries)


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[Receiver]:
    """Serve a Receiver for any POST."""
    port = free_port()
    receiver = Receiver(f"http://127.0.0.1:{port}")
    app = FastAPI(openapi_url=None)
    app.add_api_route("/{path:path}", receiver.take, methods=["POST"])
    async with serving(app, port):
        yield receiver


@dataclass
class RunningSandbox:
    """A served sandbox: ``origin`` ends in /sandbox, ``http`` is a client relative to it."""

    sandbox: Sandbox
    origin: str
    http: httpx.AsyncClient
    receiver: Receiver

    async def fault(self, gateway: str, **faults: dict[str, object]) -> None:
        """Set fault knobs: ``fault("card", webhook_drop={"times": 1})``."""
        answer = await self.http.put(f"/faults/{gateway}", json=faults)
        answer.raise_for_status()

    async def ledger(self, gateway: str) -> list[dict[str, object]]:
        """Read the gateway's ledger."""
        entries: list[dict[str, object]] = (await self.http.get(f"/ledger/{gateway}")).json()[
            "entries"
        ]
        return entries

    async def send_due(self, gateway: str) -> int:
        """Send what is due by the clock (only where no sender runs) and return how many."""
        count = 0
        while await self.sandbox.webhooks.send_due(self.sandbox.providers[gateway]):
            count += 1
        return count


@asynccontextmanager
async def sandbox_at(
    store_path: Path,
    receiver: Receiver,
    *,
    twins: tuple[Twin, ...] = TWINS,
    clock: FakeClock | None = None,
) -> AsyncIterator[RunningSandbox]:
    """Serve a sandbox. With a clock nothing is sent in the background: the test says when."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}/sandbox"
    more = {"clock": clock} if clock else {}
    sandbox = create_sandbox(
        store_path, origin=origin, portal_url=receiver.url, twins=twins, **more
    )
    outer = FastAPI(openapi_url=None)
    outer.mount("/sandbox", sandbox.app)
    life = sandbox.running(sending=clock is None)
    async with (
        life,
        serving(outer, port),
        httpx.AsyncClient(base_url=origin, timeout=10, verify=tls()) as http,
    ):
        yield RunningSandbox(sandbox, origin, http, receiver)
