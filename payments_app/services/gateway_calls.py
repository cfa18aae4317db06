"""Keeps count of the gateways' answers in the database: over all workers, and over restarts."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from payments_app.db import gateways
from payments_app.gateways.circuit import Circuit, Minute
from payments_app.services.context import Portal

log = structlog.get_logger()

TOPIC: Final = "gateways"
"""Announced when gateways were called, tested or set."""

_SECONDS_BETWEEN: Final = 5.0
_KEPT: Final = timedelta(days=7)
_CLEANED_EVERY: Final = timedelta(hours=1)


class CallCounter:
    """What this worker has written of its circuits' counters, so that only news are added."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._written: dict[tuple[str, datetime], Minute] = {}
        self._cleaned_at: datetime | None = None

    async def flush(self) -> int:
        """Add what was counted since the last time; return how many rows that touched."""
        news = list(self._news())
        now = self._portal.clock()
        clean = self._cleaned_at is None or now - self._cleaned_at >= _CLEANED_EVERY
        if not news and not clean:
            return 0
        async with self._portal.db.write() as session:
            for values, _ in news:
                await gateways.count_calls(session, values)
            if clean:
                await gateways.forget_calls(session, now - _KEPT)
        self._cleaned_at = now if clean else self._cleaned_at
        for values, minute in news:
            self._written[values["gateway"], values["minute"]] = minute
        self._forget()
        if news:
            await self._portal.feed.announce(TOPIC)
        return len(news)

    def _news(self) -> Iterator[tuple[dict[str, Any], Minute]]:
        for code, gateway in self._portal.gateways.items():
            circuit = gateway.client.circuit
            for minute in tuple(circuit.minutes):
                before = self._written.get((code, minute.start), Minute(minute.start))
                if minute.calls > before.calls:
                    yield _values(code, circuit, minute, before), _copy(minute)

    def _forget(self) -> None:
        kept = {
            (code, minute.start)
            for code, gateway in self._portal.gateways.items()
            for minute in gateway.client.circuit.minutes
        }
        for key in self._written.keys() - kept:
            del self._written[key]


def _copy(minute: Minute) -> Minute:
    return Minute(minute.start, minute.calls, minute.faults, minute.milliseconds)


def _values(code: str, circuit: Circuit, minute: Minute, before: Minute) -> dict[str, Any]:
    end = minute.start + timedelta(minutes=1)

    def inside(at: datetime | None) -> datetime | None:
        return at if at is not None and minute.start <= at < end else None

    fault_at = inside(circuit.last_fault_at)
    return {
        "gateway": code,
        "minute": minute.start,
        "calls": minute.calls - before.calls,
        "faults": minute.faults - before.faults,
        "milliseconds": minute.milliseconds - before.milliseconds,
        "last_success_at": inside(circuit.last_success_at),
        "last_fault_at": fault_at,
        "last_fault": circuit.last_fault[:200] if fault_at else None,
    }


async def run(portal: Portal) -> None:
    """Write the counters down every few seconds for ever, and once more at the end."""
    counter = CallCounter(portal)
    try:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN)
            try:
                await counter.flush()
            except Exception:  # The next round adds what this one could not
                log.exception("gateway_calls_not_counted")
    finally:
        await counter.flush()
