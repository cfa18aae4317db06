"""The sweep: finishes every story, also when no webhook ever comes."""

from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout, sweep, webhooks
from tests.services.conftest import Shop
from tests.support.gateway import webhook


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
    shop.clock.forward(minutes=3)
    await sweep.sweep_once(shop.portal)
    row = await shop.payment(started.reference)
    assert (row.status, row.reason) == (PaymentStatus.CANCELLED, Reason.ABANDONED)


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
