"""Those who move the balance of one account at once wait for each other in one order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.db.ledger import Paid
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import PaymentResult
from payments_app.services.context import Portal
from payments_app.services.settlement import Proof, settle, settle_proved
from tests.services.conftest import Shop
from tests.support.sandbox import eventually

Settle = Callable[[Portal, Payment], Awaitable[object]]


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """PostgreSQL alone: SQLite lets one write at a time."""
    database = Database(postgres_url)
    yield database
    await database.close()


def proof_of(payment: Payment) -> PaymentResult:
    return PaymentResult(
        PaymentStatus.COMPLETED,
        payment.gateway_reference,
        amount=Money(payment.amount, payment.currency),
        own_reference=payment.reference,
    )


async def one_by_one(portal: Portal, payment: Payment) -> object:
    return await settle(portal, payment.key, proof_of(payment), actor="sweep")


async def in_a_group(portal: Portal, payment: Payment) -> object:
    proof = Proof("till", payment.reference, proof_of(payment))
    async with portal.db.write() as session:
        return await settle_proved(session, [proof], "webhook", portal.clock())


@pytest.mark.parametrize("other", [one_by_one, in_a_group])
async def test_who_holds_the_totals_never_waits_for_who_waits_for_them(
    shop: Shop, other: Settle
) -> None:
    mine = (await shop.start(key="mine")).reference
    payment = await shop.payment((await shop.start(key="other")).reference)
    second = replace(shop.portal, db=Database(shop.portal.db.url))
    waiting = text("select count(*) from pg_locks where not granted")
    async with shop.portal.db.write() as holder:
        [opened] = await ledger.lock_open(holder, [mine])
        await ledger.complete(holder, [Paid(opened, None, None)], shop.clock())
        settling = asyncio.create_task(other(second, payment))

        async def is_held_up() -> bool:
            async with shop.portal.db.read() as watcher:
                return bool(await watcher.scalar(waiting))

        await eventually(is_held_up)
        moves = {(opened.account_id, opened.currency): opened.amount}
        async with asyncio.timeout(30):
            await ledger.add_to_balances(holder, moves)
    await settling
    await second.db.close()
    assert await shop.balance() == opened.amount + payment.amount
