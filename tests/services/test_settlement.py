"""Settlement: the one function that moves money."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from payments_app.db.models import TimelineEntry
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import PaymentResult
from payments_app.services.settlement import Outcome, settle
from tests.services.conftest import Shop

COMPLETED, CANCELLED, PENDING = (
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
    PaymentStatus.PENDING,
)


async def paid(shop: Shop, minor: int = 5000, key: str = "key-1") -> tuple[int, PaymentResult]:
    """Start a payment, let the customer pay, and return the row's id and the gateway's word."""
    started = await shop.start(minor, key)
    shop.till.pay(started.reference)
    row = await shop.payment(started.reference)
    assert row.id is not None
    return row.id, shop.till.results[started.reference]


async def timeline(shop: Shop, payment_id: int, code: str) -> int:
    query = select(func.count()).where(
        col(TimelineEntry.payment_id) == payment_id, col(TimelineEntry.code) == code
    )
    async with shop.portal.db.read() as session:
        return (await session.execute(query)).scalar_one()


async def test_rule_3_money_moves_once_with_balance_and_timeline(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    assert await settle(shop.portal, payment_id, result, actor="webhook") is Outcome.COMPLETED
    assert await shop.balance() == 5000
    assert await timeline(shop, payment_id, "completed") == 1


async def test_rule_3_a_repeat_is_a_silent_no_op(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    outcomes = await asyncio.gather(
        *(settle(shop.portal, payment_id, result, actor="webhook") for _ in range(10))
    )
    assert sorted(outcomes) == [Outcome.COMPLETED] + [Outcome.UNCHANGED] * 9
    assert await shop.balance() == 5000
    assert await timeline(shop, payment_id, "completed") == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": Money(4999, "USD")}, Reason.AMOUNT_MISMATCH),
        ({"amount": Money(5000, "GBP")}, Reason.CURRENCY_MISMATCH),
        ({"amount": None}, Reason.CURRENCY_MISMATCH),
        ({"own_reference": "PSOMEONEELSE"}, Reason.REFERENCE_MISMATCH),
        ({"own_reference": None}, Reason.REFERENCE_MISMATCH),
        ({"gateway_reference": "till-another"}, Reason.REFERENCE_MISMATCH),
    ],
)
async def test_rule_3_a_mismatch_stays_pending_for_review(
    shop: Shop, change: dict[str, object], reason: Reason
) -> None:
    payment_id, result = await paid(shop)
    wrong = replace(result, **change)  # type: ignore[arg-type]
    assert await settle(shop.portal, payment_id, wrong, actor="webhook") is Outcome.MISMATCH
    row = await shop.payment(result.own_reference or "")
    assert (row.status, row.reason, row.in_review) == (PENDING, reason, True)
    assert await shop.balance() == 0
    assert await settle(shop.portal, payment_id, result, actor="sweep") is Outcome.COMPLETED
    assert await shop.balance() == 5000


async def test_rule_2_completed_never_changes(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    await settle(shop.portal, payment_id, result, actor="webhook")
    late = replace(result, status=CANCELLED, reason="expired")
    assert await settle(shop.portal, payment_id, late, actor="webhook") is Outcome.REFUSED
    again_pending = replace(result, status=PENDING)
    outcome = await settle(shop.portal, payment_id, again_pending, actor="webhook")
    assert outcome is Outcome.UNCHANGED
    assert await shop.balance() == 5000


async def test_rule_2_cancelled_completes_only_on_proof_of_late_money(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    gone = replace(result, status=CANCELLED, reason="expired")
    assert await settle(shop.portal, payment_id, gone, actor="sweep") is Outcome.CANCELLED
    assert await shop.balance() == 0
    unproved = replace(result, amount=None)
    assert await settle(shop.portal, payment_id, unproved, actor="webhook") is Outcome.MISMATCH
    assert await settle(shop.portal, payment_id, result, actor="webhook") is Outcome.COMPLETED
    assert await shop.balance() == 5000
    assert await timeline(shop, payment_id, "late_money") == 1


async def test_a_second_deposit_reaches_the_review_queue_once_and_no_balance(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    await settle(shop.portal, payment_id, result, actor="webhook")
    again = replace(result, status=PENDING, reason=Reason.REPEATED_DEPOSIT)
    outcomes = [await settle(shop.portal, payment_id, again, actor="webhook") for _ in range(3)]
    assert outcomes == [Outcome.NOTED, Outcome.UNCHANGED, Outcome.UNCHANGED]
    row = await shop.payment(result.own_reference or "")
    assert (row.status, row.in_review) == (COMPLETED, True)
    assert await shop.balance() == 5000


async def test_a_completed_payment_is_dated_when_it_completed(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    before = shop.clock()
    shop.clock.forward(hours=1)
    await settle(shop.portal, payment_id, result, actor="webhook")
    row = await shop.payment(result.own_reference or "")
    assert row.created_at == before
    assert row.dated_at == row.completed_at == shop.clock()


async def test_the_fee_is_deducted_only_where_the_gateway_is_set_so(shop: Shop) -> None:
    payment_id, result = await paid(shop)
    with_fee = replace(result, fee=Money(175, "USD"))
    await settle(shop.portal, payment_id, with_fee, actor="webhook")
    assert await shop.balance() == 5000
    shop.till.settings.fee_deducted = True
    payment_id, result = await paid(shop, key="key-2")
    with_fee = replace(result, fee=Money(175, "USD"))
    await settle(shop.portal, payment_id, with_fee, actor="webhook")
    assert await shop.balance() == 5000 + 4825
