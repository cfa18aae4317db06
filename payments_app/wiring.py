"""Makes the running portal from its settings: gateways, database, sandbox and background work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from payments_app.db.engine import Database, Limits
from payments_app.gateways import registry
from payments_app.sandbox.app import Sandbox, create_sandbox, issued_settings
from payments_app.services import (
    delivery,
    gateway_calls,
    invariants,
    metrics,
    preflight,
    reconciliation,
    sweep,
    webhooks,
)
from payments_app.services.context import Portal
from payments_app.services.live import Feed
from payments_app.services.rates import Rates, SharedRates
from payments_app.services.shared_feed import SharedFeed
from payments_app.settings import Settings

Worker = Callable[[Portal], Coroutine[Any, Any, None]]
WORKERS: Final[tuple[Worker, ...]] = (
    webhooks.run,
    sweep.run,
    delivery.run,
    gateway_calls.run,
    invariants.run,
    reconciliation.run,
)


class UnsafeSettings(SystemExit):
    """Live mode was asked for with settings that only belong in the sandbox."""


def build_portal(settings: Settings) -> Portal:
    """Connect everything; nothing is opened before it is used. Raises UnsafeSettings."""
    issued = {} if settings.live else issued_settings(settings.sandbox_origin)
    gateways = registry.connect(issued)
    if settings.live:
        _refuse(preflight.objections(settings, gateways))
    database = Database(
        settings.database_url,
        Limits(
            connections=settings.database_connections,
            wait=settings.database_wait_seconds,
            lock=settings.database_lock_seconds,
            statement=settings.database_statement_seconds,
        ),
    )
    metrics.measure(database.engine)
    return Portal(
        settings=settings,
        db=database,
        gateways=gateways,
        feed=SharedFeed(settings.redis_url) if settings.redis_url else Feed(),
        rates=SharedRates(settings.redis_url) if settings.redis_url else Rates(),
    )


def build_sandbox(settings: Settings) -> Sandbox | None:
    """Build the sandbox that this process serves, or None when it serves none."""
    if not settings.brings_sandbox:
        return None
    return create_sandbox(
        settings.data_dir / "sandbox.db",
        origin=settings.sandbox_origin,
        portal_url=settings.public_url,
        merchant=settings.portal_name,
    )


@asynccontextmanager
async def running(portal: Portal, sandbox: Sandbox | None) -> AsyncIterator[None]:
    """Keep the background work going around the server's life."""
    async with AsyncExitStack() as stack:
        if sandbox is not None:
            await stack.enter_async_context(sandbox.running())
        tasks = [asyncio.create_task(worker(portal)) for worker in WORKERS]
        tasks.append(asyncio.create_task(portal.feed.listen()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await portal.close()


async def check_before_live(settings: Settings) -> None:
    """Build everything once and look into the database. Raises UnsafeSettings."""
    portal = build_portal(settings)
    try:
        _refuse(await preflight.stored_objections(portal))
    finally:
        await portal.close()


def _refuse(objections: list[str]) -> None:
    if objections:
        raise UnsafeSettings("live mode does not start: " + "; ".join(objections))
