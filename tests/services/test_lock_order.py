"""Those who write payments of one account at once wait for each other in one order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import erasure, ledger
from payments_app.db.engine import Database
from payments_app.db.ledger import Paid
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.gateways.base import PaymentResult
from payments_app.services import manual, personal_data
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.settlement import Proof, settle, settle_proved
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.locks import waiting
from tests.support.sandbox import eventually

Settle = Callable[[Portal, Payment], Coroutine[None, None, object]]


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


@pytest.fixture
async def second(shop: Shop) -> AsyncIterator[Portal]:
    """Another worker of the shop's portal."""
    second = replace(shop.portal, db=Database(shop.portal.db.url))
    yield second
    await second.db.close()


async def settled_or_held_up(shop: Shop, settling: asyncio.Task[object]) -> None:
    async def is_so() -> bool:
        async with shop.portal.db.read() as watcher:
            return settling.done() or await waiting(watcher) > 0

    await eventually(is_so)


@pytest.mark.parametrize("other", [one_by_one, in_a_group])
async def test_who_holds_the_totals_never_waits_for_who_waits_for_them(
    shop: Shop, second: Portal, other: Settle
) -> None:
    mine = (await shop.start(key="mine")).reference
    payment = await shop.payment((await shop.start(key="other")).reference)
    async with shop.portal.db.write() as holder:
        [opened] = await ledger.lock_open(holder, [mine])
        await ledger.complete(holder, [Paid(opened, None, None)], shop.clock())
        settling = asyncio.ensure_future(other(second, payment))
        await settled_or_held_up(shop, settling)
        assert not settling.done()
        moves = {(opened.account_id, opened.currency): opened.amount}
        await ledger.add_to_balances(holder, moves)
    await settling
    assert await shop.balance() == opened.amount + payment.amount


@pytest.mark.parametrize("status", PaymentStatus)
@pytest.mark.parametrize("other", [one_by_one, in_a_group])
async def test_an_accounts_first_balance_is_no_trap_for_who_holds_the_account(
    shop: Shop,
    second: Portal,
    other: Settle,
    status: PaymentStatus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payment = await shop.payment((await shop.start()).reference)
    who = identity_of(await make_user(shop.portal.db, role=Role.FINANCE))
    account, kind = shop.who.own_account(), PaymentKind.TOP_UP
    entry = manual.Entry(account, "By hand", 700, "USD", kind, status, "key")
    settling: list[asyncio.Task[object]] = []

    async def meanwhile(session: AsyncSession, chosen: manual.Entry) -> Payment | None:
        """What is asked once the account is locked."""
        settling.append(asyncio.ensure_future(other(second, payment)))
        await settled_or_held_up(shop, settling[0])
        return None

    monkeypatch.setattr(manual, "_earlier", meanwhile)
    await manual.book(shop.portal, who, entry, Actor.of(who, ""))
    await settling[0]
    booked = 700 if status is PaymentStatus.COMPLETED else 0
    assert await shop.balance() == payment.amount + booked


async def test_an_erasure_is_no_trap_for_money_that_comes_late(
    shop: Shop, second: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = await shop.payment((await shop.start()).reference)
    await settle(shop.portal, payment.key, PaymentResult(PaymentStatus.CANCELLED, None), actor="x")
    owner = identity_of(await make_user(shop.portal.db, role=Role.OWNER))
    asked = erasure.is_in_motion
    settling: list[asyncio.Task[object]] = []

    async def meanwhile(session: AsyncSession, account_id: int) -> bool:
        settling.append(asyncio.ensure_future(one_by_one(second, payment)))
        await settled_or_held_up(shop, settling[0])
        return await asked(session, account_id)

    monkeypatch.setattr(erasure, "is_in_motion", meanwhile)
    await personal_data.erase(shop.portal, owner, shop.who.own_account(), "")
    await settling[0]
    assert await shop.balance() == payment.amount
