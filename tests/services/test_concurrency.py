"""Two at once: several workers, tabs, users and members of staff at the same instant.

Each worker has connections of its own, so that the database has to tell them apart, not asyncio.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import count

import pytest

from payments_app.db.engine import Database
from payments_app.db.models import Account
from payments_app.domain.errors import InvalidRequest
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.services import checkout, invariants, refunds, sweep, webhooks
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import webhook

WORKERS = 3
_keys = count()


@pytest.fixture
async def workers(shop: Shop, database_url: str) -> AsyncIterator[list[Portal]]:
    """Several workers of one portal."""
    databases = [Database(database_url) for _ in range(WORKERS)]
    yield [
        replace(shop.portal, db=database, worker=f"worker {number}")
        for number, database in enumerate(databases)
    ]
    for database in databases:
        await database.close()


async def sound(shop: Shop) -> None:
    """Prove balances, histories and refunds right."""
    await shop.balance()
    assert await invariants.breaches(shop.portal.db) == []


def order(key: str, minor: int = 5000) -> TopUp:
    return TopUp(gateway="till", amount=Money(minor, "USD"), idempotency_key=key)


async def paid(shop: Shop, key: str = "key-1") -> str:
    """Make a payment that is Completed here too."""
    started = await shop.start(key=key)
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    return started.reference


async def test_a_double_click_is_one_payment(shop: Shop, workers: list[Portal]) -> None:
    made = await asyncio.gather(
        *(checkout.start(portal, shop.who, order("same")) for portal in workers * 4)
    )
    assert len({progress.reference for progress in made}) == 1
    assert len(shop.till.created) == 1
    await sound(shop)


async def test_two_tabs_and_two_users_of_an_account_each_get_theirs(
    shop: Shop, workers: list[Portal]
) -> None:
    async with shop.portal.db.read() as session:
        account = await session.get_one(Account, shop.who.own_account())
    colleague = identity_of(await make_user(shop.portal.db, account), account)
    people = [shop.who, shop.who, colleague, colleague]

    async def pay(number: int, who: Identity) -> None:
        portal = workers[number % WORKERS]
        started = await checkout.start(portal, who, order(f"tab {number}"))
        shop.till.pay(started.reference)
        await checkout.check(portal, who, started.reference)

    await asyncio.gather(*(pay(number, who) for number, who in enumerate(people)))
    assert await shop.balance() == 4 * 5000
    await sound(shop)


async def test_webhook_return_and_sweep_at_the_same_instant_credit_once(
    shop: Shop, workers: list[Portal]
) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    for number in range(6):
        headers, body = webhook(f"evt-{number}", started.reference, proof=number % 2 == 0)
        await webhooks.receive(shop.portal, "till", headers, body)
    shop.clock.forward(seconds=11)
    work: list[Awaitable[object]] = []
    for portal in workers:
        work += [
            webhooks.handle_due(portal),
            sweep.sweep_once(portal),
            checkout.check(portal, shop.who, started.reference),
        ]
    await asyncio.gather(*work)
    assert await shop.balance() == 5000
    await sound(shop)


async def test_cancelled_and_paid_at_the_same_instant_follows_the_gateway(
    shop: Shop, workers: list[Portal]
) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference))
    await asyncio.gather(
        checkout.cancel(workers[0], shop.who, started.reference),
        webhooks.handle_due(workers[1]),
        checkout.check(workers[2], shop.who, started.reference),
    )
    assert (await shop.payment(started.reference)).status is PaymentStatus.COMPLETED
    assert await shop.balance() == 5000
    await sound(shop)


async def test_two_staff_refunding_at_once_give_back_no_more_than_was_paid(
    shop: Shop, workers: list[Portal]
) -> None:
    reference = await paid(shop)
    results = await asyncio.gather(
        *(
            refunds.refund(
                portal, reference, Money(3000, "USD"), key=f"r{n}", actor=f"s{n}", user_id=None
            )
            for n, portal in enumerate(workers * 2)
        ),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, InvalidRequest)]
    assert len(refused) == len(results) - 1
    assert sum(money.minor for money in shop.till.refunds.values()) == 3000
    assert await shop.balance() == 2000
    await sound(shop)


async def test_the_same_refund_pressed_twice_is_one(shop: Shop, workers: list[Portal]) -> None:
    reference = await paid(shop)
    given = await asyncio.gather(
        *(
            refunds.refund(
                portal, reference, Money(2000, "USD"), key="same", actor="staff", user_id=None
            )
            for portal in workers * 2
        )
    )
    assert len(set(given)) == 1
    assert await shop.balance() == 3000
    await sound(shop)


@pytest.mark.parametrize("seed", range(4))
async def test_any_mix_at_once_leaves_the_books_right(
    shop: Shop, workers: list[Portal], seed: int
) -> None:
    """Whatever meets, each payment that the gateway charged is Completed once, and no other."""
    draw = random.Random(seed)
    started = [await shop.start(key=f"{seed} {number}") for number in range(4)]

    def action() -> Awaitable[object]:
        portal, reference = draw.choice(workers), draw.choice(started).reference
        kinds: list[Callable[[], Awaitable[object]]] = [
            lambda: webhooks.handle_due(portal),
            lambda: sweep.sweep_once(portal),
            lambda: checkout.check(portal, shop.who, reference),
            lambda: checkout.cancel(portal, shop.who, reference),
            lambda: webhooks.receive(portal, "till", *webhook(f"{next(_keys)}", reference)),
        ]
        return draw.choice(kinds)()

    for _ in range(3):
        chosen = draw.choice(started).reference
        if shop.till.results[chosen].status is PaymentStatus.PENDING:
            shop.till.pay(chosen)
        shop.clock.forward(seconds=draw.choice([1, 30, 61]))
        await asyncio.gather(*(action() for _ in range(8)))
    for _ in range(3):
        shop.clock.forward(minutes=61)
        await sweep.sweep_once(workers[0])
        await webhooks.handle_due(workers[0])
    for each in started:
        row, told = await shop.payment(each.reference), shop.till.results[each.reference].status
        assert (row.status is PaymentStatus.COMPLETED) == (told is PaymentStatus.COMPLETED)
        assert row.status is not PaymentStatus.PENDING or told is PaymentStatus.PENDING
    await sound(shop)
