"""How long a customer with a million payments waits for a page of the list, from click to rows.

The least of some tries counts: what else the machine does only ever adds to it.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import col

from payments_app.db import staff_payments
from payments_app.db.models import Balance, Payment
from payments_app.db.payments import Order
from payments_app.db.staff_payments import StaffFilter
from tests.bench.data import NEWEST, SECONDS_APART, SMALL
from tests.bench.figures import Figure
from tests.bench.stand import Stand
from tests.bench.tab import Tab, open_tabs

_REPEATS: Final = 15
_LARGE, _SMALL = 1, 2
_CLICKS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "first page": ("go_first", {}),
    "next page": ("go_older", {}),
    "deep page": ("choose_until", {}),
    "filtered page": ("choose_status", {"status": "cancelled"}),
    "search, few hits": ("search", {"text": "Number porting"}),
    "search, many hits": ("search", {"text": "Monthly"}),
    "search, two letters, no hit": ("search", {"text": "qx"}),
}


async def measure(stand: Stand) -> list[Figure]:
    """Click through the list of the large account and of the small one."""
    figures = []
    limit = await _least(lambda: _keyset(stand))
    async with open_tabs(stand, _LARGE) as [large], open_tabs(stand, _SMALL) as [small]:
        for what, (handler, payload) in _CLICKS.items():
            deep = handler == "choose_until"
            here, there = [
                await _clicks(tab, handler, {"day": _deep_day(rows)} if deep else payload)
                for tab, rows in ((large, stand.bench.rows), (small, SMALL))
            ]
            goal = "40 ms" if "search" in what else "10 ms"
            figures.append(Figure("list", what, here, "ms", limit, goal))
            figures.append(Figure("list", f"{what}, to that of 1,000", here, "ms", there, "1.3x"))
    balance = await _least(lambda: _balance(stand))
    staff = await _least(lambda: _staff_search(stand))
    return [
        *figures,
        Figure("list", "one balance read", balance, "ms"),
        Figure("list", "staff's search, in the database", staff, "ms", limit, "40 ms"),
    ]


def _deep_day(rows: int) -> str:
    """Return the day before which the oldest tenth of an account's payments were made, at least a
    page of them."""
    return (NEWEST - timedelta(seconds=rows * SECONDS_APART * 9 // 10)).date().isoformat()


async def _clicks(tab: Tab, handler: str, payload: dict[str, Any]) -> float:
    waits = []
    for _ in range(_REPEATS):
        if handler != "go_first":
            await tab.click("clear")
        waits.append(1000 * await tab.click(handler, **payload))
    return min(waits)


async def _least(ask: Callable[[], Awaitable[object]]) -> float:
    waits = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        await ask()
        waits.append(1000 * (time.perf_counter() - began))
    return min(waits)


async def _keyset(stand: Stand) -> None:
    query = (
        select(Payment.__table__)
        .where(col(Payment.account_id) == _LARGE, col(Payment.dated_at) < NEWEST)
        .order_by(col(Payment.dated_at).desc(), col(Payment.id).desc())
        .limit(26)
    )
    async with stand.database.read() as session:
        (await session.execute(query)).all()


async def _balance(stand: Stand) -> None:
    async with stand.database.read() as session:
        await session.execute(select(Balance.amount).where(col(Balance.account_id) == _LARGE))


async def _staff_search(stand: Stand) -> None:
    chosen = StaffFilter(search="Number porting")
    async with stand.database.read() as session:
        await staff_payments.page(session, chosen, Order.NEWEST, None, 50)
