"""The sweep: finishes every story, also when no webhook ever comes."""

from dataclasses import replace

import pytest

from payments_app.db.models import Account
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import PaymentLookup, PaymentRequest, PaymentResult
from payments_app.gateways.errors import GatewayUnavailable, Unsupported
from payments_app.services import checkout, sweep, webhooks
from payments_app.services.lookup import payment_by_id, request_of
from tests.services.conftest import Shop
from tests.support.gateway import Till, webhook


async def test_rule_6_the_sweep_finishes_without_any_webhook(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    assert await sweep.sweep_once(shop.portal) == 0
    shop.clock.forward(seconds=11)
    assert await sweep.sweep_once(shop.portal) == 1
    assert await shop.balance() == 5000
    shop.clock.forward(days=1)
    assert await sweep.sweep_once(shop.portal) == 0


async def test_rule_6_it_finds_a_payment_whose_creation_was_never_answered(shop: Shop) -> None:
    shop.till.loses_answer = True
    started = await shop.start()
    shop.till.pay(started.reference)
    shop.clock.forward(seconds=11)
    await sweep.sweep_once(shop.portal)
    assert await shop.balance() == 5000


async def test_a_payment_that_never_reached_its_gateway_is_abandoned(shop: Shop) -> None:
    shop.till.fault = GatewayUnavailable("down")
    started = await shop.start()
    shop.till.fault = None
    shop.clock.forward(seconds=11)
    await sweep.sweep_once(shop.portal)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING
    shop.clock.forward(minutes=11)
    await sweep.sweep_once(shop.portal)
    row = await shop.payment(started.reference)
    assert (row.status, row.reason) == (PaymentStatus.CANCELLED, Reason.ABANDONED)


async def test_a_worker_whose_clock_is_ahead_gives_up_no_payment_that_is_being_created(
    shop: Shop,
) -> None:
    shop.till.fault = GatewayUnavailable("down")
    started = await shop.start()
    shop.till.fault = None
    shop.clock.forward(minutes=4)
    await sweep.sweep_once(shop.portal)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING
    again = await shop.start()
    assert (again.reference, shop.till.created) == (started.reference, [started.reference])


async def test_what_may_just_be_given_up_is_not_created_any_more(shop: Shop) -> None:
    shop.till.fault = GatewayUnavailable("down")
    started = await shop.start()
    shop.till.fault = None
    shop.clock.forward(minutes=5)
    again = await shop.start()
    assert (again.reference, again.next_action) == (started.reference, None)
    assert shop.till.created == []


async def test_look_ups_become_rarer(shop: Shop) -> None:
    started = await shop.start()
    gaps = []
    for _ in range(4):
        row = await shop.payment(started.reference)
        assert row.next_check_at is not None
        gaps.append(int((row.next_check_at - shop.clock()).total_seconds()))
        shop.clock.now = row.next_check_at
        await sweep.sweep_once(shop.portal)
    assert gaps == [10, 20, 40, 60]


async def test_a_payment_past_its_time_is_voided_and_cancelled(shop: Shop) -> None:
    started = await shop.start()
    shop.clock.forward(hours=4)
    await sweep.sweep_once(shop.portal)
    row = await shop.payment(started.reference)
    assert (row.status, row.reason) == (PaymentStatus.CANCELLED, Reason.EXPIRED)
    assert shop.till.results[started.reference].status is PaymentStatus.CANCELLED


async def test_money_that_arrives_after_that_is_still_credited(shop: Shop) -> None:
    started = await shop.start()
    await checkout.cancel(shop.portal, shop.who, started.reference)
    shop.till.pay(started.reference)
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference))
    await webhooks.handle_due(shop.portal)
    assert await shop.balance() == 5000


async def test_one_faulty_payment_does_not_stop_the_others(shop: Shop) -> None:
    first, second = await shop.start(key="a"), await shop.start(key="b")
    shop.till.pay(second.reference)
    del shop.till.results[first.reference]
    shop.clock.forward(seconds=11)
    await sweep.sweep_once(shop.portal)
    assert (await shop.payment(second.reference)).status is PaymentStatus.COMPLETED


class Forgetful(Till):
    """Finds nothing by our reference; the same creation is the same payment for a day."""

    repeat_seconds = 24 * 3600

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        if lookup.gateway_reference is None:
            raise Unsupported("no search")
        return await super().fetch_payment(lookup)


@pytest.fixture
def forgetful(shop: Shop) -> Shop:
    """A shop whose till is such a one."""
    till = Forgetful()
    return replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)


async def test_a_creation_is_repeated_within_its_window_only_then_staff_look_into_it(
    forgetful: Shop,
) -> None:
    forgetful.till.fault = GatewayUnavailable("500, again and again")
    started = await forgetful.start()
    for _ in range(30):
        forgetful.clock.forward(hours=1)
        await sweep.sweep_once(forgetful.portal)
    row = await forgetful.payment(started.reference)
    assert (row.status, row.in_review) == (PaymentStatus.PENDING, True)
    assert row.reason == Reason.UNKNOWN_OUTCOME
    forgetful.till.fault = None
    forgetful.clock.forward(hours=1)
    await sweep.sweep_once(forgetful.portal)
    assert forgetful.till.created == []


async def test_a_creation_that_is_answered_within_its_window_goes_on(forgetful: Shop) -> None:
    forgetful.till.loses_answer = True
    started = await forgetful.start()
    forgetful.clock.forward(minutes=11)
    await sweep.sweep_once(forgetful.portal)
    row = await forgetful.payment(started.reference)
    assert (row.status, row.gateway_reference) == (
        PaymentStatus.PENDING,
        f"till-{started.reference}",
    )
    assert row.next_action is not None
    assert forgetful.till.created == [started.reference]


class Closed(Till):
    """Tells how a payment stands, but not again where to pay it."""

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        return replace(await super().fetch_payment(lookup), next_action=None)


@pytest.mark.parametrize("paid", [False, True])
async def test_a_payment_whose_page_was_lost_with_the_answer_is_ended_unless_it_was_paid(
    shop: Shop, paid: bool
) -> None:
    till = Closed()
    shop = replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)
    till.loses_answer = True
    started = await shop.start()
    shop.clock.forward(seconds=30)
    await sweep.sweep_once(shop.portal)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING
    if paid:
        till.pay(started.reference)
    shop.clock.forward(minutes=11)
    await sweep.sweep_once(shop.portal)
    row = await shop.payment(started.reference)
    ended = (PaymentStatus.COMPLETED, None) if paid else (PaymentStatus.CANCELLED, Reason.PAGE_LOST)
    assert (row.status, row.reason) == ended


async def test_a_page_that_the_customer_has_is_not_lost(shop: Shop) -> None:
    till = Closed()
    shop = replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)
    started = await shop.start()
    shop.clock.forward(minutes=30)
    await sweep.sweep_once(shop.portal)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING


async def test_what_needs_staff_is_not_given_up_when_its_time_is_over(shop: Shop) -> None:
    started = await shop.start()
    shop.till.set(started.reference, reason=Reason.PARTIALLY_PAID)
    shop.clock.forward(days=1)
    await sweep.sweep_once(shop.portal)
    row = await shop.payment(started.reference)
    assert (row.status, row.in_review) == (PaymentStatus.PENDING, True)


async def test_a_creation_says_the_same_whatever_was_renamed_meanwhile(shop: Shop) -> None:
    started = await shop.start()

    async def asked() -> PaymentRequest:
        row = await shop.payment(started.reference)
        return await request_of(shop.portal, await payment_by_id(shop.portal, row.key))

    before = await asked()
    async with shop.portal.db.write() as session:
        account = await session.get_one(Account, shop.who.own_account())
        account.name = "Renamed Ltd"
    renamed = shop.portal.settings.model_copy(update={"portal_name": "Another name"})
    shop = replace(shop, portal=replace(shop.portal, settings=renamed))
    assert await asked() == before
