"""The inbox: verified, stored once, handled once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from payments_app.db import inbox as stored
from payments_app.db.models import InboxEvent, Payment
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature
from payments_app.services import refusals, webhooks
from payments_app.services.refusals import KEPT_PER_HOUR
from tests.services.conftest import Shop
from tests.support.gateway import Till, webhook
from tests.support.sandbox import eventually

LEASE = timedelta(seconds=60)


async def inbox(shop: Shop) -> list[InboxEvent]:
    async with shop.portal.db.read() as session:
        return list((await session.execute(select(InboxEvent))).scalars().all())


async def claimed(shop: Shop, worker: str) -> Sequence[InboxEvent]:
    """Take what is due, as a worker of that name does."""
    async with shop.portal.db.write() as session:
        return await stored.claim_due(session, "till", worker, shop.clock(), LEASE, 10)


@pytest.mark.parametrize("proof", [True, False])
async def test_rule_5_a_webhook_is_stored_once_and_moves_money_once(
    shop: Shop, proof: bool
) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    headers, body = webhook("evt-1", started.reference, proof=proof)
    new = await asyncio.gather(
        *(webhooks.receive(shop.portal, "till", headers, body) for _ in range(20))
    )
    assert sum(new) == 1
    assert await webhooks.handle_due(shop.portal) == (0 if proof else 1)
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
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference, proof=False))
    await claimed(shop, "killed")
    assert await webhooks.handle_due(shop.portal) == 0
    shop.clock.forward(seconds=61)
    assert await webhooks.handle_due(shop.portal) == 1
    assert await shop.balance() == 5000


async def test_no_event_is_in_the_hands_of_two_workers(shop: Shop) -> None:
    for number in range(30):
        await webhooks.receive(shop.portal, "till", *webhook(f"evt-{number}", "PSTRANGER"))
    taken = await asyncio.gather(*(claimed(shop, f"worker {n}") for n in range(6)))
    keys = [event.key for events in taken for event in events]
    assert len(keys) == len(set(keys))
    assert len(keys) >= 10


async def test_a_worker_past_its_lease_leaves_the_event_to_who_took_it_over(shop: Shop) -> None:
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", "PSTRANGER"))
    (event,) = await claimed(shop, "frozen")
    shop.clock.forward(seconds=61)
    await claimed(shop, "second")
    async with shop.portal.db.write() as session:
        await stored.postpone(session, event.key, "frozen", None, "dead letter", "late")
    (row,) = await inbox(shop)
    assert (row.claimed_by, row.outcome) == ("second", None)
    assert row.next_attempt_at == shop.clock() + LEASE


async def test_an_event_that_fails_again_and_again_becomes_a_dead_letter_with_its_reason(
    shop: Shop,
) -> None:
    started = await shop.start()
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference, proof=False))
    shop.till.fault = RuntimeError("a defect")
    waits = []
    for _ in range(30):
        await webhooks.handle_due(shop.portal)
        (row,) = await inbox(shop)
        if row.next_attempt_at is None:
            break
        waits.append(row.next_attempt_at - shop.clock())
        shop.clock.now = row.next_attempt_at
    assert (row.outcome, row.handled_at, row.attempts) == ("dead letter", None, 15)
    assert row.fault == "RuntimeError('a defect')"
    assert timedelta(seconds=1) < waits[0] < timedelta(seconds=3) < waits[3] < waits[-1]
    assert waits[-1] < timedelta(minutes=80)


async def test_a_slow_gateway_does_not_hold_up_another_ones_events(shop: Shop) -> None:
    slow, answer = Till(), asyncio.Event()
    slow.code = "slow"
    portal = replace(shop.portal, gateways={"till": shop.till, "slow": slow})

    async def wait_for_answer(lookup: object) -> None:
        await answer.wait()

    slow.fetch_payment = wait_for_answer  # type: ignore[assignment,method-assign]
    started = await shop.start()
    async with portal.db.write() as session:
        row = await session.get_one(Payment, (await shop.payment(started.reference)).key)
        row.gateway = "slow"
    await webhooks.receive(portal, "slow", *webhook("evt-1", started.reference, proof=False))
    second = await shop.start(key="key-2")
    shop.till.pay(second.reference)
    worker = asyncio.create_task(webhooks.run(portal))
    await webhooks.receive(portal, "till", *webhook("evt-1", second.reference))

    async def credited() -> bool:
        return await shop.balance() == 5000

    await eventually(credited)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_a_flood_of_forgeries_fills_no_disk(shop: Shop) -> None:
    for number in range(3 * KEPT_PER_HOUR):
        body = b"[" * 5000 + f"{number}".encode()
        with pytest.raises(InvalidSignature):
            await webhooks.receive(shop.portal, "till", {"x-till": "no"}, body)
    rows = await inbox(shop)
    assert len(rows) == KEPT_PER_HOUR
    assert all(len(row.body) <= 2000 for row in rows)
    for number in range(200):
        with pytest.raises(InvalidSignature):
            await webhooks.receive(shop.portal, "till", {}, f"{number}".encode())
    (more,) = [row for row in await inbox(shop) if row.event_id.startswith("refused:more")]
    assert more.times_received == 2
    shop.clock.forward(hours=1)
    with pytest.raises(InvalidSignature):
        await webhooks.receive(shop.portal, "till", {}, b"an hour later")
    assert len(await inbox(shop)) == KEPT_PER_HOUR + 2


async def test_what_was_refused_is_forgotten_after_its_time(shop: Shop) -> None:
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", "PSTRANGER"))
    with pytest.raises(InvalidSignature):
        await webhooks.receive(shop.portal, "till", {}, b"{}")
    await refusals.forget_old(shop.portal)
    assert len(await inbox(shop)) == 2
    shop.clock.forward(days=31)
    await refusals.forget_old(shop.portal)
    assert [row.verified for row in await inbox(shop)] == [True]


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
