"""A process of the portal for campaigns: its services and workers, and real HTTP for webhooks.

It is the portal without its pages. What customers and staff would click comes over HTTP at
``/drive``. It can be told to kill itself at the n-th commit or gateway call, and to have a full
disk. Its time runs faster than the machine's, so that hours of patience pass in seconds.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from granian.constants import Interfaces
from granian.server.embed import Server
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from payments_app import wiring
from payments_app.api import webhooks
from payments_app.db.engine import Database, Limits
from payments_app.db.models import Account, User
from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
from payments_app.gateways import registry
from payments_app.gateways.base import NextAction
from payments_app.gateways.circuit import Circuit
from payments_app.gateways.http import Client
from payments_app.services import checkout, refunds
from payments_app.services.catch_up import catch_up
from payments_app.services.checkout import Progress, TopUp
from payments_app.services.context import Portal, install
from payments_app.services.identity import Identity
from payments_app.settings import Settings
from tests.faults.plan import Kill
from tests.support.factories import identity_of

SPEED: Final = 20
"""Seconds of the portal's time in one of the machine's."""
PATIENCE: Final = httpx.Timeout(5.0)
DEADLINE_SECONDS: Final = 10.0
"""How long gateways may take to answer, once and with repeats: longer than a busy machine needs, or
every answer would be a time-out that nobody planned."""
_LOCK_SECONDS: Final = 4.0
"""How long a write waits for its turn on SQLite."""
_UNLIMITED_PAGES: Final = 2**30


@dataclass(frozen=True, slots=True)
class Life:
    """What one start of a worker is given: ``campaign`` is the process that runs it, ``began`` when
    that started in seconds UTC, ``ahead`` by how many seconds the clock is off, and ``full``
    whether the disk is."""

    campaign: int
    port: int
    environment: Mapping[str, str]
    log_path: str
    began: float
    ahead: float = 0
    full: bool = False


class FastClock:
    """The worker's time, which runs faster than the machine's and may be off."""

    def __init__(self, began: float, ahead: float) -> None:
        self.began, self.ahead = began, ahead

    def __call__(self) -> datetime:
        passed = (time.time() - self.began) * SPEED
        return datetime.fromtimestamp(self.began + passed + self.ahead, UTC)


class Sabotage:
    """What goes wrong inside of the worker."""

    def __init__(self, clock: FastClock, full: bool) -> None:
        self.clock = clock
        self.kill: Kill | None = None
        self.full = full
        self._order = 0
        self._reached: Counter[str] = Counter()

    def arm(self, kill: Kill | None, order: int) -> None:
        """Count from now on, if this order is a new one."""
        self.kill = kill
        if order != self._order:
            self._order = order
            self._reached.clear()

    def reach(self, point: str) -> None:
        """Die here, if this is where the plan says so."""
        self._reached[point] += 1
        if self.kill == Kill(point, self._reached[point]):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, portal: Portal) -> None:
        """Stand around every commit and every call to a gateway."""
        engine = portal.db.engine.sync_engine
        event.listen(engine, "commit", lambda _: self.reach("before_commit"))
        event.listen(Session, "after_commit", lambda _: self.reach("after_commit"))
        if portal.db.is_sqlite:
            event.listen(engine, "begin", self._limit_file)
        self._watch_calls()

    def _watch_calls(self) -> None:
        send = httpx.AsyncClient.send

        async def watched(client: httpx.AsyncClient, *arguments: Any, **more: Any) -> Any:
            self.reach("before_call")
            response = await send(client, *arguments, **more)
            self.reach("after_call")
            return response

        httpx.AsyncClient.send = watched  # type: ignore[method-assign]

    def _limit_file(self, connection: Connection) -> None:
        pages = 1 if self.full else _UNLIMITED_PAGES  # SQLite takes at least what it has
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def live(life: Life) -> None:
    """Be the worker until killed or terminated."""
    os.environ.update(life.environment)
    with open(life.log_path, "ab", buffering=0) as log:  # noqa: PTH123
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    logging.getLogger().setLevel(logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        processors=[structlog.processors.format_exc_info, structlog.processors.LogfmtRenderer()],
    )
    asyncio.run(_serve(life))


async def _serve(life: Life) -> None:
    registry.Client = _hasty_client  # type: ignore[misc, assignment]
    clock = FastClock(life.began, life.ahead)
    portal = wiring.build_portal(Settings(_env_file=None))
    database = Database(portal.db.url, Limits(lock=_LOCK_SECONDS))
    portal = replace(portal, clock=clock, db=database)
    install(portal)
    sabotage = Sabotage(clock, life.full)
    sabotage.watch(portal)
    server = Server(
        _app(portal, sabotage), port=life.port, interface=Interfaces.ASGINL, log_enabled=False
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    async with wiring.running(portal, None):
        alone = asyncio.create_task(_end_with(life.campaign))
        await server.serve()
        alone.cancel()


def _hasty_client(name: str) -> Client:
    """Make a gateway's client that waits less long, as the portal's time runs faster."""
    client = Client(name, timeout=PATIENCE, deadline=DEADLINE_SECONDS)
    client.circuit = Circuit(name, clock=lambda: time.monotonic() * SPEED)
    return client


async def _end_with(campaign: int) -> None:
    """End when the campaign is gone, which is not this process's parent: that is a server that
    forks them."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(campaign, 0)
            await asyncio.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _app(portal: Portal, sabotage: Sabotage) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.include_router(webhooks.router)

    @app.exception_handler(PortalError)
    async def refused(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 409)

    @app.get("/drive/ready")
    async def ready() -> dict[str, Any]:
        return {"pid": os.getpid()}

    @app.post("/drive/sabotage")
    async def sabotaged(asked: dict[str, Any]) -> dict[str, Any]:
        sabotage.full = asked["full"]
        sabotage.clock.ahead = asked["ahead"]
        sabotage.arm(Kill(**asked["kill"]) if asked["kill"] else None, asked["order"])
        return {}

    @app.post("/drive/catch-up")
    async def caught_up() -> dict[str, Any]:
        now = datetime.now(UTC)
        return asdict(await catch_up(portal, now - timedelta(days=1), now + timedelta(days=1)))

    @app.post("/drive/start/{user_id}")
    async def start(user_id: int, asked: dict[str, Any]) -> dict[str, Any]:
        amount = Money(asked["minor"], asked["currency"])
        order = TopUp(asked["gateway"], amount, asked["key"], asked["channel"])
        return _said(await checkout.start(portal, await _who(portal, user_id), order))

    @app.post("/drive/check/{user_id}/{reference}")
    async def check(user_id: int, reference: str) -> dict[str, Any]:
        return _said(await checkout.check(portal, await _who(portal, user_id), reference))

    @app.post("/drive/cancel/{user_id}/{reference}")
    async def cancel(user_id: int, reference: str) -> dict[str, Any]:
        return _said(await checkout.cancel(portal, await _who(portal, user_id), reference))

    @app.post("/drive/refund/{reference}")
    async def refund(reference: str, asked: dict[str, Any]) -> dict[str, Any]:
        amount = Money(asked["minor"], asked["currency"])
        made = await refunds.refund(
            portal, reference, amount, key=asked["key"], actor="staff", user_id=None
        )
        return {"reference": made}

    return app


async def _who(portal: Portal, user_id: int) -> Identity:
    async with portal.db.read() as session:
        user = await session.get(User, user_id)
        account = user and await session.get(Account, user.account_id)
    if user is None or account is None:
        raise HTTPException(404)
    return identity_of(user, account)


def _said(progress: Progress) -> dict[str, Any]:
    return {
        "reference": progress.reference,
        "status": progress.status,
        "action": _action(progress.next_action),
    }


def _action(action: NextAction | None) -> dict[str, Any] | None:
    if action is None:
        return None
    names = ("url", "client_secret", "reference")
    return {name: getattr(action, name) for name in names if hasattr(action, name)}
