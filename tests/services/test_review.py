"""Staff decide: with a reason, as finance, audited, and money moves exactly as they say."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from payments_app.db.models import TimelineEntry
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import IllegalTransition, InvalidRequest, NotAllowed, PortalError
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason, Role
from payments_app.gateways.errors import Unsupported
from payments_app.services import checkout, review, staff_detail
from payments_app.services.identity import Identity
from payments_app.services.refunds import refund
from payments_app.services.review import Decision
from payments_app.services.settlement import settle
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_account, make_payment, make_user

PENDING, COMPLETED, CANCELLED = PaymentStatus


@pytest.fixture
async def finance(shop: Shop) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=Role.FINANCE))


async def part_paid(shop: Shop, arrived: int = 3000) -> str:
    """A payment of 50 dollars of which only a part came."""
    started = await shop.start()
    await report(shop, started.reference, Reason.PARTIALLY_PAID, arrived)
    return started.reference


async def report(shop: Shop, reference: str, reason: Reason, arrived: int) -> None:
    shop.till.set(reference, reason=reason, received=Money(arrived, "USD"))
    payment = await shop.payment(reference)
    await settle(shop.portal, payment.key, shop.till.results[reference], actor="webhook")


async def finish(shop: Shop, reference: str) -> None:
    """The rest came after all: the gateway says that all is paid."""
    shop.till.set(reference, status=COMPLETED, reason=None, received=None)
    payment = await shop.payment(reference)
    await settle(shop.portal, payment.key, shop.till.results[reference], actor="webhook")


async def test_what_arrived_is_credited_instead_of_what_was_asked(
    shop: Shop, finance: Identity
) -> None:
    reference = await part_paid(shop)
    await review.credit(shop.portal, Decision(finance, reference, "short"), Money(3000, "USD"))
    payment = await shop.payment(reference)
    assert (payment.status, payment.amount, payment.charge_amount) == (COMPLETED, 3000, 3000)
    assert (payment.in_review, await shop.balance()) == (False, 3000)


async def test_more_than_what_arrived_is_never_credited(shop: Shop, finance: Identity) -> None:
    reference = await part_paid(shop)
    with pytest.raises(InvalidRequest, match="more_than_arrived"):
        await review.credit(shop.portal, Decision(finance, reference, "all"), Money(3001, "USD"))
    assert await shop.balance() == 0


async def test_the_rest_that_arrives_afterwards_waits_and_is_credited_once(
    shop: Shop, finance: Identity
) -> None:
    reference = await part_paid(shop)
    decision = Decision(finance, reference, "short")
    await review.credit(shop.portal, decision, Money(3000, "USD"))
    for _ in range(2):
        await finish(shop, reference)
    assert await shop.balance() == 3000
    assert (await shop.payment(reference)).in_review
    await review.credit(shop.portal, decision, Money(2000, "USD"))
    with pytest.raises(PortalError):
        await review.credit(shop.portal, decision, Money(2000, "USD"))
    await finish(shop, reference)
    assert await shop.balance() == 5000
    assert not (await shop.payment(reference)).in_review


async def test_a_later_part_replaces_what_is_known_to_have_arrived(
    shop: Shop, finance: Identity
) -> None:
    reference = await part_paid(shop, 1000)
    await report(shop, reference, Reason.PARTIALLY_PAID, 4000)
    seen = await staff_detail.detail(shop.portal, finance, reference)
    assert (seen.arrived, seen.charge_currency) == ("40.00", "USD")
    await review.credit(shop.portal, Decision(finance, reference, "x"), Money(4000, "USD"))
    assert await shop.balance() == 4000


async def test_a_second_deposit_becomes_a_linked_payment(shop: Shop, finance: Identity) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    paid = await shop.payment(started.reference)
    again = replace(
        shop.till.results[started.reference],
        status=PENDING,
        reason=Reason.REPEATED_DEPOSIT,
        received=Money(700, "USD"),
    )
    for _ in range(2):
        await settle(shop.portal, paid.key, again, actor="webhook")
    decision = Decision(finance, started.reference, "second deposit")
    await review.credit(shop.portal, decision, Money(700, "USD"))
    assert await shop.balance() == 5700
    with pytest.raises(InvalidRequest):
        await review.credit(shop.portal, decision, Money(700, "USD"))


async def test_approving_and_cancelling_write_the_log_and_the_timeline(
    shop: Shop, finance: Identity
) -> None:
    by_reference = {}
    for key, act in (("a", review.approve), ("c", review.cancel)):
        started = await shop.start(key=key)
        await report(shop, started.reference, Reason.AMOUNT_MISMATCH, 4900)
        await act(shop.portal, Decision(finance, started.reference, "  on the statement ", "::1"))
        by_reference[started.reference] = (await shop.payment(started.reference)).status
    assert list(by_reference.values()) == [COMPLETED, CANCELLED]
    assert await shop.balance() == 5000
    async with shop.portal.db.read() as session:
        logged = (await session.execute(select(AuditEntry))).scalars().all()
        steps = (await session.execute(select(TimelineEntry))).scalars().all()
    assert [(row.action, row.after["why"], row.address) for row in logged] == [
        ("payment_approved", "on the statement", "::1"),
        ("payment_cancelled", "on the statement", "::1"),
    ]
    assert {"payment_approved", "payment_cancelled"} <= {step.code for step in steps}
    assert {step.actor for step in steps if step.code == "payment_approved"} == {finance.email}


async def test_an_open_payment_is_voided_at_its_gateway_before_staff_cancel_it(
    shop: Shop, finance: Identity
) -> None:
    started = await shop.start()
    await review.cancel(shop.portal, Decision(finance, started.reference, "asked by phone"))
    payment = await shop.payment(started.reference)
    assert (payment.status, payment.reason) == (CANCELLED, Reason.CANCELLED_BY_STAFF)
    assert shop.till.results[started.reference].status is CANCELLED


async def test_what_was_paid_meanwhile_is_completed_instead_of_cancelled(
    shop: Shop, finance: Identity
) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await review.cancel(shop.portal, Decision(finance, started.reference, "asked by phone"))
    assert (await shop.payment(started.reference)).status is COMPLETED


async def test_only_its_gateway_completes_an_open_payment(shop: Shop, finance: Identity) -> None:
    started = await shop.start()
    decision = Decision(finance, started.reference, "looks fine")
    with pytest.raises(IllegalTransition):
        await review.approve(shop.portal, decision)
    shop.clock.forward(hours=4)
    await review.approve(shop.portal, decision)
    assert await shop.balance() == 5000


async def test_staff_confirm_a_refund_that_they_sent(shop: Shop, finance: Identity) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    shop.till.fault = Unsupported("by hand")
    made = await refund(
        shop.portal, started.reference, Money(2000, "USD"), key="r", actor="x", user_id=None
    )
    assert (await shop.payment(made)).reason == Reason.REFUND_BY_HAND
    await review.approve(shop.portal, Decision(finance, made, "sent by bank"))
    assert await shop.balance() == 3000
    with pytest.raises(IllegalTransition):
        await review.approve(shop.portal, Decision(finance, made, "twice"))


async def test_a_reason_is_required(shop: Shop, finance: Identity) -> None:
    reference = await part_paid(shop)
    for act in (review.approve, review.cancel, review.close):
        with pytest.raises(InvalidRequest, match="required"):
            await act(shop.portal, Decision(finance, reference, "  "))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CUSTOMER])
async def test_only_finance_decides(shop: Shop, role: Role) -> None:
    reference = await part_paid(shop)
    decision = Decision(replace(shop.who, role=role), reference, "mine")
    with pytest.raises(NotAllowed):
        await review.credit(shop.portal, decision, Money(3000, "USD"))
    for act in (review.approve, review.cancel, review.close):
        with pytest.raises(NotAllowed):
            await act(shop.portal, decision)
    with pytest.raises(NotAllowed):
        await review.ask(shop.portal, decision.who, reference)
    with pytest.raises(NotAllowed):
        await review.assign(shop.portal, decision.who, reference, None)
    assert await shop.balance() == 0


async def test_closing_takes_a_finished_payment_out_of_review(
    shop: Shop, finance: Identity
) -> None:
    payment = await make_payment(
        shop.portal.db,
        await make_account(shop.portal.db),
        status=CANCELLED,
        reason=Reason.EXPIRED,
        in_review=True,
    )
    await review.close(shop.portal, Decision(finance, payment.reference, "nothing came"))
    assert not (await shop.payment(payment.reference)).in_review


async def test_a_payment_is_given_to_staff_only(shop: Shop, finance: Identity) -> None:
    reference = await part_paid(shop)
    await review.assign(shop.portal, finance, reference, finance.user_id)
    assert (await staff_detail.detail(shop.portal, finance, reference)).assigned_to == finance.name
    with pytest.raises(PortalError):
        await review.assign(shop.portal, finance, reference, shop.who.user_id)


async def test_a_viewer_sees_everything_and_may_do_nothing(shop: Shop, finance: Identity) -> None:
    reference = await part_paid(shop)
    viewer = replace(finance, role=Role.VIEWER)
    seen = await staff_detail.detail(shop.portal, viewer, reference)
    assert seen.deeds == staff_detail.Deeds()
    may = (await staff_detail.detail(shop.portal, finance, reference)).deeds
    assert (may.approve, may.cancel, may.credit, may.refund) == (True, True, True, False)
    with pytest.raises(NotAllowed):
        await staff_detail.detail(shop.portal, shop.who, reference)
