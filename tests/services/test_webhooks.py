"""The inbox: verified, stored once, handled once."""

import asyncio

import pytest
from sqlalchemy import select

from payments_app.db.models import InboxEvent
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature
from payments_app.services import webhooks
from tests.services.conftest import Shop
from tests.support.gateway import webhook


async def inbox(shop: Shop) -> list[InboxEvent]:
    async with shop.portal.db.read() as session:
        return list((await session.execute(select(InboxEvent))).scalars().all())


async def test_rule_5_a_webhook_is_stored_once_and_moves_money_once(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    headers, body = webhook("evt-1", started.reference)
    new = await asyncio.gather(
        *(webhooks.receive(shop.portal, "till", headers, body) for _ in range(20))
    )
    assert sum(new) == 1
    assert await webhooks.handle_due(shop.portal) == 1
    assert await webhooks.handle_due(shop.portal) == 0
    (row,) = await inbox(shop)
    assert (row.times_received, row.outcome) == (20, "completed")
    assert await shop.balance() == 5000


async def test_rule_5_a_forged_webhook_is_kept_but_does_nothing(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    headers, body = webhook("evt-1", started.reference)
    for _ in range(2):
        with pytest.raises(InvalidSignature):
            await webhooks.receive(shop.portal, "till", headers, body + b" ")
    assert await webhooks.handle_due(shop.portal) == 0
    (row,) = await inbox(shop)
    assert (row.verified, row.times_received, row.event) == (False, 2, None)
    assert await shop.balance() == 0


async def test_rule_5_a_message_without_proof_makes_us_ask_the_gateway(shop: Shop) -> None:
    started = await shop.start()
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference, proof=False))
    await webhooks.handle_due(shop.portal)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING
    shop.till.pay(started.reference)
    await webhooks.receive(shop.portal, "till", *webhook("evt-2", started.reference, proof=False))
    await webhooks.handle_due(shop.portal)
    assert await shop.balance() == 5000


async def test_an_event_is_tried_again_while_the_gateway_does_not_answer(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference, proof=False))
    shop.till.fault = GatewayUnavailable("down")
    await webhooks.handle_due(shop.portal)
    assert await webhooks.handle_due(shop.portal) == 0
    shop.till.fault = None
    shop.clock.forward(seconds=5)
    assert await webhooks.handle_due(shop.portal) == 1
    assert await shop.balance() == 5000


async def test_a_claimed_event_of_a_killed_worker_is_handled_after_its_lease(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference))
    from datetime import timedelta

    from payments_app.db import inbox as stored

    async with shop.portal.db.write() as session:
        await stored.claim_due(session, shop.clock(), timedelta(seconds=60), 10)
    assert await webhooks.handle_due(shop.portal) == 0
    shop.clock.forward(seconds=61)
    assert await webhooks.handle_due(shop.portal) == 1
    assert await shop.balance() == 5000


async def test_an_event_of_no_payment_is_marked_unmatched_after_some_tries(shop: Shop) -> None:
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", "PSTRANGER"))
    for _ in range(8):
        await webhooks.handle_due(shop.portal)
        shop.clock.forward(hours=1)
    (row,) = await inbox(shop)
    assert row.outcome == "unmatched"
    assert row.handled_at is not None


async def test_what_is_stored_is_scrubbed(shop: Shop) -> None:
    headers, body = webhook("evt-1", "PSTRANGER")
    await webhooks.receive(shop.portal, "till", headers | {"cookie": "portal=abc"}, body)
    (row,) = await inbox(shop)
    assert "abc" not in repr(row.model_dump())
    assert "PSTRANGER" in row.body
