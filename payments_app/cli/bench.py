"""Measure what customers wait for, on a generated database: ``python -m payments_app.cli.bench``.

Prints medians in milliseconds, and rows per second for the export, of one process on this machine.
"""

import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from payments_app import wiring
from payments_app.cli.build import ROOT
from payments_app.db.models import Account, Balance, Payment
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import exports, reports
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.view import View
from payments_app.settings import Settings

PAYMENTS = 200_000
REPEATS = 25

_BATCH = 10_000
_LATEST = datetime(2026, 6, 30, tzinfo=UTC)
_CUSTOMER = Identity(
    user_id=1,
    session_id=1,
    email="bench@example.com",
    name="Bench",
    role=Role.CUSTOMER,
    time_zone="Europe/London",
    locale="en_GB",
    account_id=1,
    account_name="Bench",
    home_currency="USD",
)


def _row(number: int) -> dict[str, object]:
    at = _LATEST - timedelta(minutes=5 * number)
    top_up = number % 3 == 0
    pending = number % 100 == 0
    return {
        "reference": f"BENCH{number:09}",
        "account_id": 1 + number % 2,
        "kind": PaymentKind.TOP_UP if top_up else PaymentKind.CHARGE,
        "status": PaymentStatus.PENDING if pending else PaymentStatus.COMPLETED,
        "amount": 5000 if top_up else -900,
        "currency": "USD",
        "description": "Top-up" if top_up else "DID Pack" if number % 7 else "Monthly Package",
        "created_at": at,
        "completed_at": None if pending else at,
        "dated_at": at,
    }


async def _fill(portal: Portal) -> None:
    async with portal.db.write() as session:
        for number in (1, 2):
            session.add(Account(id=number, name="Bench", home_currency="USD", created_at=_LATEST))
            session.add(Balance(account_id=number, currency="USD", amount=0))
        await session.flush()
        for start in range(0, PAYMENTS, _BATCH):
            rows = [_row(number) for number in range(start, start + _BATCH)]
            await session.execute(insert(Payment), rows)


async def _median(title: str, ask: Callable[[], Awaitable[object]]) -> None:
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        await ask()
        seconds.append(time.perf_counter() - began)
    print(f"{title:<34} {statistics.median(seconds) * 1000:10.1f} ms")


async def _export(portal: Portal) -> None:
    rows = -1  # the header is not a row
    began = time.perf_counter()
    async for piece in exports.csv_pieces(portal, _CUSTOMER, View()):
        rows += piece.count(b"\r\n")
    seconds = time.perf_counter() - began
    print(f"{f'CSV export of {rows:,} rows':<34} {seconds * 1000:10.1f} ms")
    print(f"{'  rows a second':<34} {rows / seconds:10,.0f}")


async def measure(portal: Portal) -> None:
    """Fill the empty database and print one line for each measurement."""
    await _fill(portal)
    first = await reports.list_page(portal, _CUSTOMER, View(), None)
    searched = View(search="Monthly")
    await _median("first page", lambda: reports.list_page(portal, _CUSTOMER, View(), None))
    await _median("next page", lambda: reports.list_page(portal, _CUSTOMER, View(), first.older))
    await _median(
        "first page of a search", lambda: reports.list_page(portal, _CUSTOMER, searched, None)
    )
    await _median("balances", lambda: reports.balances(portal, _CUSTOMER))
    await _export(portal)


async def _measure_in(directory: Path) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=directory,
        database_url=f"sqlite+aiosqlite:///{directory}/bench.db",
    )
    subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": settings.database_url},
        check=True,
    )
    portal = wiring.build_portal(settings)
    try:
        await measure(portal)
    finally:
        await portal.close()


if __name__ == "__main__":
    print(f"{PAYMENTS:,} payments, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure_in(Path(name)))
