"""What Prometheus is told: figures from the database, and what the processes measured themselves.

The figures are the same whichever worker answers. What workers measure is added up over all those
of this machine when ``PROMETHEUS_MULTIPROC_DIR`` is set, as ``cli.serve`` does for several.
"""

import os
import statistics
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from payments_app.db import figures
from payments_app.services.context import Portal

OPEN_TABS: Final = Gauge(
    "portal_open_tabs", "Browser tabs that follow live.", multiprocess_mode="livesum"
)
EVENT_SECONDS: Final = Histogram(
    "portal_event_seconds",
    "Time of the pages' events, from the gate to their end.",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),  # seconds, no money: _SECONDS
)
STATEMENT_SECONDS: Final = Histogram(
    "portal_database_seconds",
    "Time of database statements.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),  # seconds, no money: _SECONDS
)
_HOUR: Final = timedelta(hours=1)
_STARTED: Final = "portal_started"


def measure(engine: AsyncEngine) -> None:
    """Take the time of every statement of an engine from now on."""

    def start(connection: Any, *_: object) -> None:
        connection.info[_STARTED] = time.perf_counter()

    def stop(connection: Any, *_: object) -> None:
        STATEMENT_SECONDS.observe(time.perf_counter() - connection.info.pop(_STARTED))

    event.listen(engine.sync_engine, "before_cursor_execute", start)
    event.listen(engine.sync_engine, "after_cursor_execute", stop)


async def exposition(portal: Portal) -> bytes:
    """Return all metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    await _add_figures(portal, registry)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(OPEN_TABS)
        registry.register(EVENT_SECONDS)
        registry.register(STATEMENT_SECONDS)
    return generate_latest(registry)


async def _add_figures(portal: Portal, registry: CollectorRegistry) -> None:
    def gauge(name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"portal_{name}", text, labels, registry=registry)

    now = portal.clock()
    async with portal.db.read() as session:
        outcomes = await figures.outcomes(session, now - _HOUR)
        times = await figures.settlement_times(session, now - _HOUR)
        oldest = await figures.oldest_pending(session)
        waiting, first = await figures.inbox(session)
    payments = gauge("payments_last_hour", "Payments by outcome.", ("gateway", "status"))
    for code, status, rows in outcomes:
        payments.labels(code, status).set(rows)
    settling = gauge("settlement_seconds", "Top-ups of the last hour.", ("quantile",))
    if times:
        settling.labels("0.5").set(statistics.median(times))
        settling.labels("1").set(max(times))
    gauge("pending_age_seconds", "Oldest payment still asked about.").set(_age(oldest, now))
    gauge("webhooks_waiting", "Webhooks not handled yet.").set(waiting)
    gauge("webhook_lag_seconds", "Oldest webhook not handled yet.").set(_age(first, now))


def _age(since: datetime | None, now: datetime) -> float:
    return 0 if since is None else (now - since).total_seconds()
