"""Refunds and takebacks: linked negative rows that never exceed what was paid."""

import asyncio

import pytest

from payments_app.domain.errors import InvalidRequest
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.gateways.base import Subject, Takeback
from payments_app.gateways.errors import GatewayRejected, Unsupported
from payments_app.services import checkout
from payments_app.services.refunds import record_takeback, refund
from tests.services.conftest import Shop


async def completed(shop: Shop, key: str = "key-1") -> str:
    started = await shop.start(key=key)
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    return started.reference


async def give_back(shop: Shop, reference: str, minor: int, key: str = "r1") -> str:
    return await refund(
        shop.portal, reference, Money(minor, "USD"), key=key, actor="staff", user_id=None
    )


async def test_a_refund_is_a_linked_negative_row(shop: Shop) -> None:
    paid = await shop.payment(await completed(shop))
    row = await shop.payment(await give_back(shop, paid.reference, 2000))
    assert (row.kind, row.amount, row.parent_id) == (PaymentKind.REFUND, -2000, paid.id)
    assert row.status is PaymentStatus.COMPLETED
    assert await shop.balance() == 3000


async def test_the_same_key_refunds_once(shop: Shop) -> None:
    reference = await completed(shop)
    made = await asyncio.gather(*(give_back(shop, reference, 2000) for _ in range(4)))
    assert len(set(made)) == len(shop.till.refunds) == 1
    assert await shop.balance() == 3000


async def test_two_refunds_at_once_never_exceed_the_payment(shop: Shop) -> None:
    reference = await completed(shop)
    made = await asyncio.gather(
        *(give_back(shop, reference, 3000, f"r{n}") for n in range(3)), return_exceptions=True
    )
    assert sum(isinstance(answer, InvalidRequest) for answer in made) == 2
    assert await shop.balance() == 2000


async def test_what_the_gateway_cannot_refund_waits_for_staff(shop: Shop) -> None:
    reference = await completed(shop)
    shop.till.fault = Unsupported("by hand")
    row = await shop.payment(await give_back(shop, reference, 2000))
    assert (row.status, row.in_review, row.next_check_at) == (PaymentStatus.PENDING, True, None)
    assert await shop.balance() == 5000


async def test_a_takeback_before_its_payment_completed_is_tried_again(shop: Shop) -> None:
    started = await shop.start()
    open_payment = await shop.payment(started.reference)
    partial = Takeback("rf-1", Money(1000, "USD"), PaymentStatus.COMPLETED)
    told = await record_takeback(
        shop.portal, open_payment, partial, subject=Subject.REFUND, actor="webhook", inbox_id=0
    )
    assert told is None
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    await record_takeback(
        shop.portal, open_payment, partial, subject=Subject.REFUND, actor="webhook", inbox_id=0
    )
    assert await shop.balance() == 4000


async def test_a_rejected_refund_frees_its_amount(shop: Shop) -> None:
    reference = await completed(shop)
    shop.till.fault = GatewayRejected("charge_disputed")
    row = await shop.payment(await give_back(shop, reference, 5000))
    assert (row.status, row.reason) == (PaymentStatus.CANCELLED, "rejected:charge_disputed")
    shop.till.fault = None
    await give_back(shop, reference, 5000, "r2")
    assert await shop.balance() == 0


async def test_only_completed_payments_are_refunded(shop: Shop) -> None:
    started = await shop.start()
    with pytest.raises(InvalidRequest):
        await give_back(shop, started.reference, 1)


@pytest.mark.parametrize(
    ("end", "balance"), [(PaymentStatus.COMPLETED, 0), (PaymentStatus.CANCELLED, 5000)]
)
async def test_a_dispute_holds_then_debits_or_releases(
    shop: Shop, end: PaymentStatus, balance: int
) -> None:
    paid = await shop.payment(await completed(shop))
    opened = Takeback("dp-1", Money(5000, "USD"), PaymentStatus.PENDING, reason="disputed")
    closed = Takeback("dp-1", Money(5000, "USD"), end, reason="disputed")
    await record_takeback(
        shop.portal, paid, opened, subject=Subject.DISPUTE, actor="webhook", inbox_id=0
    )
    assert await shop.balance() == 5000
    for _ in range(2):
        await record_takeback(
            shop.portal, paid, closed, subject=Subject.DISPUTE, actor="webhook", inbox_id=0
        )
    assert await shop.balance() == balance


async def test_a_refund_that_fails_after_it_was_given_is_credited_again_once(shop: Shop) -> None:
    paid = await shop.payment(await completed(shop))
    row = await shop.payment(await give_back(shop, paid.reference, 2000))
    failed = Takeback(
        row.gateway_reference or "", Money(2000, "USD"), PaymentStatus.CANCELLED, reason="failed"
    )
    for _ in range(3):
        await record_takeback(
            shop.portal, paid, failed, subject=Subject.REFUND, actor="webhook", inbox_id=0
        )
    assert (await shop.payment(row.reference)).status is PaymentStatus.COMPLETED
    assert await shop.balance() == 5000


async def test_our_own_refund_reported_by_webhook_is_not_taken_twice(shop: Shop) -> None:
    paid = await shop.payment(await completed(shop))
    row = await shop.payment(await give_back(shop, paid.reference, 2000))
    assert row.gateway_reference is not None
    echo = Takeback(row.gateway_reference, Money(2000, "USD"), PaymentStatus.COMPLETED)
    await record_takeback(
        shop.portal, paid, echo, subject=Subject.REFUND, actor="webhook", inbox_id=0
    )
    assert await shop.balance() == 3000
