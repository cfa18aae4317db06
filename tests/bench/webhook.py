"""How fast webhooks are verified, stored and settled, next to what the database can commit."""

import asyncio
import sqlite3
import time
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import func, select, text
from sqlmodel import col

from payments_app.db import kept_totals, ledger
from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentStatus
from payments_app.sandbox.nowpayments import sign
from tests.bench.data import SqliteBench, first_open
from tests.bench.figures import Figure
from tests.bench.load import post, send_all
from tests.bench.stand import Stand

CONNECTIONS: Final = 64
_WEBHOOKS: Final = 3_000
_WARM: Final = 200
_COMMITS: Final = 300


async def request(number: int) -> bytes:
    """Write the webhook that one of the open payments was paid."""
    event = {
        "payment_id": str(4_000_000_000 + number),
        "invoice_id": str(9_000_000_000 + number),
        "payment_status": "finished",
        "pay_address": "3EZ2uTdVDAMFXTfc6uLDDKR6o8qKBZXVkj",
        "price_amount": "25.00",
        "price_currency": "usd",
        "pay_amount": "0.00038",
        "actually_paid": "0.00038",
        "actually_paid_at_fiat": "0",
        "pay_currency": "btc",
        "order_id": f"POPEN{number}",
        "order_description": "Top-up",
        "purchase_id": str(5_000_000_000 + number),
        "outcome_amount": "0.00037",
        "outcome_currency": "btc",
        "parent_payment_id": None,
    }
    signed = await sign(None, event)
    return post("/webhooks/nowpayments", signed.headers, signed.body)


async def measure(stand: Stand) -> list[Figure]:
    """Send webhooks over 64 connections, a fifth of them twice; then compare the books."""
    single, grouped = await _commits(stand, 1), await _commits(stand, CONNECTIONS)
    first = stand.paid + 1
    stand.paid += _WEBHOOKS
    requests = [await request(number) for number in range(first, first + _WEBHOOKS)]
    repeats = [requests[number] for number in range(0, _WEBHOOKS, 5)]
    await send_all(stand.portal.port, requests[:_WARM], CONNECTIONS)
    began, used = time.perf_counter(), stand.processor_seconds()
    load = await send_all(stand.portal.port, requests[_WARM:], CONNECTIONS)
    await _settled(stand)
    rate = (_WEBHOOKS - _WARM) / (time.perf_counter() - began)
    used = 1000 * (stand.processor_seconds() - used) / (_WEBHOOKS - _WARM)
    await send_all(stand.portal.port, repeats, CONNECTIONS)
    await _check_books(stand)
    goal = "1,200/s" if isinstance(stand.bench, SqliteBench) else "2,000/s"
    return [
        Figure("webhook", "settled, of single commits", rate, "/s", single, goal),
        Figure("webhook", "settled, of rows in groups", rate, "/s", grouped),
        Figure("webhook", "processor time of one, portal", used, "ms"),
        Figure("webhook", "answered, p50", 1000 * load.wait(0.5), "ms"),
        Figure("webhook", "answered, p95", 1000 * load.wait(0.95), "ms", goal="50 ms"),
    ]


async def _settled(stand: Stand) -> None:
    """Wait until what was sent is Completed."""
    before = first_open(stand.bench.rows)
    query = (
        select(func.count())
        .select_from(Payment)
        .where(
            col(Payment.id).between(before + 1, before + stand.paid),
            col(Payment.status) == PaymentStatus.COMPLETED,
        )
    )
    while True:
        async with stand.database.read() as session:
            if (await session.execute(query)).scalar_one() >= stand.paid:
                return
        await asyncio.sleep(0.05)


async def _check_books(stand: Stand) -> None:
    """Raise when money was lost or made on the way."""
    async with stand.database.read() as session:
        wrong = [*await ledger.wrong_balances(session), *await kept_totals.wrong(session)]
    if wrong:
        raise RuntimeError(f"what is kept differs from its rows: {wrong[:3]}")


async def _commits(stand: Stand, rows: int) -> float:
    """Return how many bare rows a second are written, so many in each durable commit."""
    if isinstance(stand.bench, SqliteBench):
        path = stand.portal.database_path.with_name("bare.db")
        return await asyncio.to_thread(_sqlite_commits, str(path), rows)
    table = f"bare_{uuid4().hex}"
    async with stand.database.engine.connect() as connection:
        await connection.execute(text(f"create table {table} (n integer)"))
        await connection.commit()
        values: list[dict[str, Any]] = [{"n": number} for number in range(rows)]
        began = time.perf_counter()
        for _ in range(_COMMITS):
            await connection.execute(text(f"insert into {table} values (:n)"), values)
            await connection.commit()
        return rows * _COMMITS / (time.perf_counter() - began)


def _sqlite_commits(path: str, rows: int) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table if not exists bare (n integer)")
    began = time.perf_counter()
    for _ in range(_COMMITS):
        connection.execute("begin immediate")
        connection.executemany("insert into bare values (?)", [(n,) for n in range(rows)])
        connection.execute("commit")
    seconds = time.perf_counter() - began
    connection.close()
    return rows * _COMMITS / seconds
