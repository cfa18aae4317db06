"""Runs a plan: the sandbox here, the workers in processes of their own that are killed and started
again, customers who click meanwhile, and the comparison of the books at the end."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from fastapi import FastAPI
from sqlalchemy import ColumnElement, and_, func, select
from sqlmodel import col

from payments_app.db.engine import Database
from payments_app.db.models import InboxEvent, Payment
from payments_app.domain.payment import PaymentStatus
from payments_app.sandbox.app import Sandbox, create_sandbox
from tests.faults.books import Books, Entry, compare
from tests.faults.customers import Customers
from tests.faults.outages import Surroundings
from tests.faults.plan import CLICKS, CUSTOMERS, GATEWAYS, SKEW, WORKERS, Journey, Round
from tests.faults.processes import Worker
from tests.faults.worker import FastClock, Life
from tests.support.databases import Postgres, migrate
from tests.support.factories import make_account, make_user
from tests.support.redis import RedisServer
from tests.support.sandbox import free_port, serving

_NINE_DAYS: Final = 9 * 24 * 3600
_TWO_HOURS: Final = 2 * 3600
_LAST_JUMPS: Final = 25
_STANDSTILL_SECONDS: Final = 30
"""Work of which nothing gets done for so long will not be done."""
_AT_ONCE: Final = 16
"""How many customers are on their way: more would only wait for each other."""
_FELT: Final = 20
"""An outage ends after so many answers of the portal."""
_PAUSE: Final = 0.1
_OPEN: Final = and_(col(Payment.status) == PaymentStatus.PENDING, col(Payment.in_review).is_(False))


@dataclass
class Campaign:
    """A running campaign. ``faults`` counts what was tried, by kind."""

    around: Surroundings
    sandbox: Sandbox
    workers: list[Worker]
    customers: Customers
    began: float
    faults: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    _stopped: bool = False

    @property
    def http(self) -> httpx.AsyncClient:
        """The client for everything on this machine."""
        return self.around.http

    async def run(self, plan: Sequence[Round], say: Callable[[str], None]) -> None:
        """Make the payments of every round: the next one begins while the last customers of the
        one before are still on their way."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def go(journey: Journey) -> None:
            async with places:
                self.under_way += 1
                await self.customers.go(journey)
                self.under_way -= 1

        async with asyncio.TaskGroup() as group:
            for number, round_ in enumerate(plan, 1):
                if self._stopped:
                    break
                began = time.monotonic()
                await self._prepare(round_)
                journeys = [group.create_task(go(journey)) for journey in round_.journeys]
                if round_.outage is not None:
                    await self._break(round_.outage, round_.before_outage)
                left = 0 if round_ is plan[-1] else _AT_ONCE // 2
                while sum(not each.done() for each in journeys) > left:
                    await asyncio.wait(journeys, return_when=asyncio.FIRST_COMPLETED, timeout=1)
                await self._calm()
                took = time.monotonic() - began
                say(f"round {number}: {len(journeys)} payments in {took:.1f} s")

    def stop(self) -> None:
        """Let no further round begin."""
        self._stopped = True

    async def _prepare(self, round_: Round) -> None:
        for gateway, knobs in round_.knobs.items():
            url = f"{self.customers.sandbox}/faults/{gateway}"
            (await self.http.put(url, json=knobs)).raise_for_status()
        for worker, kill, skew in zip(self.workers, round_.kills, round_.skew, strict=True):
            await worker.sabotage(self.http, ahead=skew, kill=kill)
        self.faults[SKEW] += sum(map(bool, round_.skew))
        self.faults[CLICKS] += sum(journey.clicks > 1 for journey in round_.journeys)

    async def _calm(self) -> None:
        """Turn the sandbox's faults off, having counted them."""
        for gateway in GATEWAYS:
            url = f"{self.customers.sandbox}/faults/{gateway}"
            for knob in (await self.http.get(url)).json():
                self.faults[knob["fault"]] += knob["fired"]
            await self.http.delete(url)

    async def _break(self, outage: str, after: int) -> None:
        """Break something once the portal has given so many answers, until it was felt."""
        await self._answered(after)
        self.faults[outage] += 1
        await self.around.break_down(outage, partial(self._answered, _FELT))

    async def _answered(self, more: int) -> None:
        """Wait until the portal has given so many answers more, or nobody asks any more."""
        enough = self.customers.answers + more
        while self.customers.answers < enough and self.under_way:
            await asyncio.sleep(_PAUSE)

    async def settle(self) -> None:
        """Let everything work again, and wait until the portal has finished every story."""
        for worker in self.workers:
            await worker.sabotage(self.http, ahead=0, kill=None)
        await self._until_none(self._deliveries_waiting)
        await self._until_none(self._events_waiting)
        await self._finish()
        await self.http.post(f"{self.workers[0].url}/drive/catch-up", timeout=None)
        await self._finish()
        for worker in self.workers:
            self.faults += worker.kills

    async def _finish(self) -> None:
        """Let days pass until no payment is open, past every check that is still to come."""
        ahead = max(_NINE_DAYS, *(worker.ahead for worker in self.workers))
        for _ in range(_LAST_JUMPS):
            for worker in self.workers:
                await worker.sabotage(self.http, ahead=ahead)
            await self._until_none(self._checks_due)
            if await self._count(_OPEN) == 0:
                return
            ahead += _TWO_HOURS

    async def _until_none(self, left: Callable[[], Awaitable[int]]) -> None:
        """Wait until nothing is left to be done, or nothing gets done any more: that the books will
        show."""
        before, since = -1, time.monotonic()
        while (now := await left()) and time.monotonic() - since < _STANDSTILL_SECONDS:
            if now != before:
                before, since = now, time.monotonic()
            await asyncio.sleep(_PAUSE)

    async def _deliveries_waiting(self) -> int:
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
        return waiting

    async def _events_waiting(self) -> int:
        return await self._count(col(InboxEvent.next_attempt_at).is_not(None))

    async def _checks_due(self) -> int:
        clock = FastClock(self.began, self.workers[0].ahead)
        return await self._count(col(Payment.next_check_at) <= clock(), _OPEN)

    async def _count(self, *conditions: ColumnElement[bool]) -> int:
        async with self.around.database.read() as session:
            query = select(func.count()).where(*conditions)
            return (await session.execute(query)).scalar_one()

    async def books(self) -> Books:
        """Compare the three books."""
        entries = {gateway: await self._ledger(gateway) for gateway in GATEWAYS}
        return await compare(self.around.database, entries, self.customers.acknowledged)

    async def _ledger(self, gateway: str) -> list[Entry]:
        url = f"{self.customers.sandbox}/ledger/{gateway}"
        answer = await self.http.get(url, params={"limit": 1_000_000})
        entries: list[Entry] = answer.json()["entries"]
        return entries


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
            "SWEEP_INTERVAL_SECONDS": "0.5",
            "REDIS_URL": redis.url,
        }
        log_path = str(directory / f"worker{number}.log")
        workers.append(Worker(Life(os.getpid(), own_port, environment, log_path, began)))
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
        http = await stack.enter_async_context(
            httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_keepalive_connections=40))
        )
        keepers = await stack.enter_async_context(asyncio.TaskGroup())
        for worker in workers:
            keepers.create_task(worker.keep())
            stack.callback(worker.end)
        urls = [worker.url for worker in workers]
        customers = Customers(urls, origin, users, http, run)
        around = Surroundings(database, workers, http, redis, postgres)
        yield Campaign(around, sandbox, workers, customers, began)
