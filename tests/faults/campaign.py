"""Runs a plan: the sandbox here, the workers in processes of their own that are killed and started
again, customers who click meanwhile, and the comparison of the books at the end."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlmodel import col

from payments_app.db.engine import Database
from payments_app.db.models import InboxEvent, Payment
from payments_app.domain.payment import PaymentStatus
from payments_app.sandbox.app import Sandbox, create_sandbox
from tests.faults.books import Books, Entry, compare
from tests.faults.customers import Customers
from tests.faults.plan import CUSTOMERS, GATEWAYS, WORKERS, Journey, Round
from tests.faults.processes import Worker
from tests.faults.worker import Life
from tests.support.databases import Postgres, migrate
from tests.support.factories import make_account, make_user
from tests.support.redis import RedisServer
from tests.support.sandbox import eventually, free_port, serving

_NINE_DAYS: Final = 9 * 24 * 3600
_TWO_HOURS: Final = 2 * 3600
_LAST_JUMPS: Final = 25
_LAST_SECONDS: Final = 60
"""How long the portal may take to empty its inbox once nothing fails any more."""


@dataclass
class Campaign:
    """A running campaign. ``faults`` counts what was tried, by kind."""

    database: Database
    sandbox: Sandbox
    workers: list[Worker]
    customers: Customers
    http: httpx.AsyncClient
    redis: RedisServer
    postgres: Postgres | None
    faults: Counter[str] = field(default_factory=Counter)
    ended: int = 0

    async def run(self, plan: Iterable[Round], say: Callable[[str], None]) -> None:
        """Make the payments of every round."""
        for number, round_ in enumerate(plan, 1):
            began = time.monotonic()
            await self._round(round_)
            took = time.monotonic() - began
            say(f"round {number}: {len(round_.journeys)} payments in {took:.1f} s")

    async def _round(self, round_: Round) -> None:
        for gateway, knobs in round_.knobs.items():
            url = f"{self.customers.sandbox}/faults/{gateway}"
            (await self.http.put(url, json=knobs)).raise_for_status()
        for worker, kill, skew in zip(self.workers, round_.kills, round_.skew, strict=True):
            await worker.sabotage(self.http, ahead=skew, kill=kill)
        self.faults["clock skew"] += sum(map(bool, round_.skew))
        self.faults["two or three clicks at once"] += sum(j.clicks > 1 for j in round_.journeys)
        breaking = asyncio.create_task(self._break(round_.outage))
        await asyncio.gather(*(self._journey(journey) for journey in round_.journeys))
        breaking.cancel()
        await asyncio.gather(breaking, return_exceptions=True)
        await self._calm()

    async def _journey(self, journey: Journey) -> None:
        await self.customers.go(journey)
        self.ended += 1

    async def _calm(self) -> None:
        """Turn the sandbox's faults off, having counted them."""
        for gateway in GATEWAYS:
            url = f"{self.customers.sandbox}/faults/{gateway}"
            for knob in (await self.http.get(url)).json():
                self.faults[knob["fault"]] += knob["fired"]
            await self.http.delete(url)

    async def _break(self, outage: str | None) -> None:
        """Keep something broken until two customers more have gone their way."""
        if outage is None:
            return
        self.faults[outage] += 1
        enough = self.ended + 2

        async def felt() -> bool:
            return self.ended >= enough

        async with _OUTAGES[outage](self):
            await eventually(felt)

    async def settle(self) -> None:
        """Let everything work again, and wait until the portal has finished every story."""
        await self._sabotage_all(0)
        await self._until(self._deliveries_sent)
        await self._until(self._inbox_empty)
        await self._finish()
        await self.http.post(f"{self.workers[0].url}/drive/catch-up")
        await self._finish()
        for worker in self.workers:
            self.faults += worker.kills

    async def _finish(self) -> None:
        """Let days pass until no payment is open, past every check that is still to come."""
        ahead = max(_NINE_DAYS, *(worker.ahead for worker in self.workers))
        for _ in range(_LAST_JUMPS):
            await self._sabotage_all(ahead)
            await self._until(self._nothing_open, 2)
            if await self._nothing_open():
                return
            ahead += _TWO_HOURS

    async def _sabotage_all(self, ahead: float) -> None:
        for worker in self.workers:
            await worker.sabotage(self.http, ahead=ahead)

    async def _until(
        self, done: Callable[[], Awaitable[bool]], seconds: float = _LAST_SECONDS
    ) -> None:
        """Wait, but not for ever: what is not done by then the books will show."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not await done():
                    await asyncio.sleep(0.1)

    async def _deliveries_sent(self) -> bool:
        waiting = 0
        for gateway in GATEWAYS:
            async with self.sandbox.store.transaction(gateway) as tx:
                rows = await tx.execute(
                    "UPDATE deliveries SET next_at = min(next_at, ?)"
                    " WHERE gateway = ? AND status = 'queued' RETURNING id",
                    *(tx.now, gateway),
                )
                tx.posted = bool(rows)
                waiting += len(rows)
        return waiting == 0

    async def _inbox_empty(self) -> bool:
        query = select(func.count()).where(col(InboxEvent.next_attempt_at).is_not(None))
        async with self.database.read() as session:
            return (await session.execute(query)).scalar_one() == 0

    async def _nothing_open(self) -> bool:
        query = select(func.count()).where(
            col(Payment.status) == PaymentStatus.PENDING, col(Payment.in_review).is_(False)
        )
        async with self.database.read() as session:
            return (await session.execute(query)).scalar_one() == 0

    async def books(self) -> Books:
        """Compare the three books."""
        entries = {gateway: await self._ledger(gateway) for gateway in GATEWAYS}
        return await compare(self.database, entries, self.customers.acknowledged)

    async def _ledger(self, gateway: str) -> list[Entry]:
        url = f"{self.customers.sandbox}/ledger/{gateway}"
        answer = await self.http.get(url, params={"limit": 1_000_000})
        entries: list[Entry] = answer.json()["entries"]
        return entries


@asynccontextmanager
async def _locked(campaign: Campaign) -> AsyncIterator[None]:
    """Hold SQLite's write lock from outside."""
    path = campaign.database.engine.url.database or ""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@asynccontextmanager
async def _full(campaign: Campaign) -> AsyncIterator[None]:
    """Let SQLite's file not grow by a single page."""
    for worker in campaign.workers:
        await worker.sabotage(campaign.http, ahead=worker.ahead, full=True)
    try:
        yield
    finally:
        for worker in campaign.workers:
            await worker.sabotage(campaign.http, ahead=worker.ahead)


@asynccontextmanager
async def _restarted(campaign: Campaign) -> AsyncIterator[None]:
    """Let PostgreSQL crash and start again."""
    assert campaign.postgres is not None
    await asyncio.to_thread(campaign.postgres.restart)
    yield


@asynccontextmanager
async def _redis_gone(campaign: Campaign) -> AsyncIterator[None]:
    campaign.redis.stop()
    try:
        yield
    finally:
        await asyncio.to_thread(campaign.redis.start)


_OUTAGES: Final[dict[str, Any]] = {
    "database locked": _locked,
    "database full": _full,
    "database restarted": _restarted,
    "redis gone": _redis_gone,
}


@asynccontextmanager
async def running(
    directory: Path, run: str, postgres: Postgres | None = None
) -> AsyncIterator[Campaign]:
    """Start everything on an empty database: a SQLite file in ``directory``, or at ``postgres``."""
    url = postgres.empty() if postgres else f"sqlite+aiosqlite:///{directory}/portal.db"
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    redis = RedisServer()
    await asyncio.to_thread(redis.start)
    port, began = free_port(), time.time()
    origin = f"http://127.0.0.1:{port}/sandbox"
    workers = []
    for number in range(WORKERS):
        own_port = free_port()
        environment = {
            "PORTAL_MODE": "sandbox",
            "DATABASE_URL": url,
            "SANDBOX_URL": origin,
            "PUBLIC_URL": f"http://127.0.0.1:{own_port}",
            "DATA_DIR": str(directory),
            "SWEEP_INTERVAL_SECONDS": "0.1",
            "REDIS_URL": redis.url,
        }
        log_path = str(directory / f"worker{number}.log")
        workers.append(Worker(Life(own_port, environment, log_path, began, 0)))
    sandbox = create_sandbox(
        directory / "sandbox.db", origin=origin, portal_url=workers[0].url, merchant="Campaign"
    )
    outer = FastAPI(openapi_url=None)
    outer.mount("/sandbox", sandbox.app)
    users = []
    for _ in range(CUSTOMERS):
        user = await make_user(database, await make_account(database))
        users.append(user.key)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.callback(redis.stop)
        await stack.enter_async_context(sandbox.running())
        await stack.enter_async_context(serving(outer, port))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        keepers = [asyncio.create_task(worker.keep()) for worker in workers]
        try:
            urls = [worker.url for worker in workers]
            customers = Customers(urls, origin, users, http, run)
            campaign = Campaign(database, sandbox, workers, customers, http, redis, postgres)
            await campaign._sabotage_all(0)
            yield campaign
        finally:
            for worker in workers:
                worker.end()
            await asyncio.gather(*keepers, return_exceptions=True)
