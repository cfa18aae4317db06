"""Webhooks that arrive together: one commit, each with its own outcome."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import event, select
from sqlmodel import col

from payments_app.db.mail_models import Mail
from payments_app.db.models import InboxEvent, Payment, TimelineEntry
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.services import webhooks
from tests.services.conftest import Shop
from tests.support.gateway import webhook


async def receive_all(shop: Shop, *messages: tuple[dict[str, str], bytes]) -> Sequence[object]:
    """Receive webhooks at once; return each one's answer or fault."""
    return await asyncio.gather(
        *(webhooks.receive(shop.portal, "till", *message) for message in messages),
        return_exceptions=True,
    )


async def inbox(shop: Shop) -> dict[str, InboxEvent]:
    async with shop.portal.db.read() as session:
        rows = (await session.execute(select(InboxEvent))).scalars().all()
    return {row.event_id: row for row in rows}


async def paid(shop: Shop, count: int) -> list[str]:
    """Start top-ups and let the customer pay them; return their references."""
    references = [(await shop.start(key=f"key-{number}")).reference for number in range(count)]
    for reference in references:
        shop.till.pay(reference)
    return references


async def test_webhooks_that_arrive_together_are_settled_in_one_commit(shop: Shop) -> None:
    references = await paid(shop, 5)
    commits = []
    event.listen(shop.portal.db.engine.sync_engine, "commit", commits.append)
    answers = await receive_all(shop, *(webhook(f"evt-{one}", one) for one in references))
    assert answers == [True] * 5
    assert len(commits) == 1
    assert await shop.balance() == 25000
    assert {row.outcome for row in (await inbox(shop)).values()} == {"completed"}
    async with shop.portal.db.read() as session:
        entries = select(TimelineEntry).where(col(TimelineEntry.code) == "completed")
        told = (await session.execute(entries)).scalars().all()
        mails = (await session.execute(select(Mail))).scalars().all()
    assert [entry.details["balance"] for entry in told] == [5000, 10000, 15000, 20000, 25000]
    assert {mail.about: mail.data["balance"] for mail in mails} == {
        reference: 5000 * number for number, reference in enumerate(references, 1)
    }


async def test_several_events_of_one_payment_in_a_group_move_money_once(shop: Shop) -> None:
    [reference] = await paid(shop, 1)
    events = ["evt-1", "evt-2", "evt-1", "evt-3"]
    answers = await receive_all(shop, *(webhook(name, reference) for name in events))
    assert answers == [True, True, False, True]
    await webhooks.handle_due(shop.portal)
    rows = await inbox(shop)
    assert {name: row.times_received for name, row in rows.items()} == {
        "evt-1": 2,
        "evt-2": 1,
        "evt-3": 1,
    }
    assert sorted(str(row.outcome) for row in rows.values()) == [
        "completed",
        "unchanged",
        "unchanged",
    ]
    assert await shop.balance() == 5000


async def test_what_is_not_proved_exactly_is_left_to_the_worker(shop: Shop) -> None:
    right, wrong, open_ = await paid(shop, 3)
    shop.till.set(wrong, amount=Money(1, "USD"))
    shop.till.set(open_, status=PaymentStatus.PENDING)
    await receive_all(shop, *(webhook(one, one) for one in (right, wrong, open_, "PSTRANGER")))
    assert {name: row.outcome for name, row in (await inbox(shop)).items()} == {
        right: "completed",
        wrong: None,
        open_: None,
        "PSTRANGER": None,
    }
    await webhooks.handle_due(shop.portal)
    rows = await inbox(shop)
    assert (rows[wrong].outcome, rows[open_].outcome) == ("mismatch", "unchanged")
    assert await shop.balance() == 5000


async def test_a_poisonous_event_fails_none_of_its_group(shop: Shop) -> None:
    first, poison, last = await paid(shop, 3)
    async with shop.portal.db.write() as session:
        taken = (await session.execute(select(Payment))).scalars().all()
        of = {payment.reference: payment for payment in taken}
        of[poison].gateway_reference = None
    # The gateway gives it the name that another payment has: the database refuses that.
    shop.till.set(poison, gateway_reference=f"till-{first}")
    answers = await receive_all(shop, *(webhook(one, one) for one in (first, poison, last)))
    assert answers == [True] * 3
    await webhooks.handle_due(shop.portal)
    rows = await inbox(shop)
    assert (rows[first].outcome, rows[last].outcome) == ("completed", "completed")
    assert rows[poison].outcome == "waiting"
    assert "IntegrityError" in str(rows[poison].fault)
    assert await shop.balance() == 10000


async def test_an_event_that_cannot_be_stored_fails_alone(shop: Shop) -> None:
    first, last = await paid(shop, 2)
    unstorable = webhook("evt-\ud800", "PSTRANGER")
    one, fault, two = await receive_all(
        shop, webhook(first, first), unstorable, webhook(last, last)
    )
    assert (one, two) == (True, True)
    assert isinstance(fault, Exception)
    await webhooks.handle_due(shop.portal)
    assert set(await inbox(shop)) == {first, last}
    assert await shop.balance() == 10000
