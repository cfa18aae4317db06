"""The content of webhooks is removed when its time is over; what they did stays."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from payments_app.db.models import InboxEvent
from payments_app.domain.errors import NotAllowed
from payments_app.domain.payment import Role
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import event_words, events, retention, webhooks
from payments_app.services.events import EventView
from tests.services.conftest import Shop
from tests.services.test_events import come, handle_all, staff


async def rows(shop: Shop) -> list[InboxEvent]:
    async with shop.portal.db.read() as session:
        return list(
            (await session.execute(select(InboxEvent).order_by(col(InboxEvent.id)))).scalars()
        )


async def test_old_content_goes_and_the_outcome_stays(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 1)
    started = await shop.start()
    shop.till.pay(started.reference)
    await come(shop, "old", started.reference)
    await come(shop, "stranger", "PSTRANGER")
    await handle_all(shop)
    shop.clock.forward(days=shop.portal.settings.raw_events_days)
    await come(shop, "new", started.reference)
    await webhooks.handle_due(shop.portal)
    assert await retention.empty_old(shop.portal) == 2
    assert await retention.empty_old(shop.portal) == 0
    old, _, new = await rows(shop)
    assert (old.body, old.headers, old.event) == ("", {}, None)
    assert (old.outcome, old.payment_id, old.times_received) == ("completed", new.payment_id, 1)
    assert new.body
    assert new.headers
    # A repeat is still known as one.
    await come(shop, "old", started.reference)
    await handle_all(shop)
    assert [row.times_received for row in await rows(shop)] == [2, 1, 1]
    assert await shop.balance() == 5000


async def test_one_without_content_says_why_it_cannot_be_replayed(shop: Shop) -> None:
    who = await staff(shop, Role.FINANCE)
    await come(shop, "stranger", "PSTRANGER")
    await handle_all(shop)
    shop.clock.forward(days=shop.portal.settings.raw_events_days)
    await retention.empty_old(shop.portal)
    page = await events.event_page(shop.portal, who, EventView())
    detail = await events.event_detail(shop.portal, who, page.rows[0].id)
    assert (detail.can_replay, detail.advice) == (False, event_words.EMPTIED)
    assert page.unhandled == 0
    with pytest.raises(NotAllowed, match="content was removed"):
        await events.replay(shop.portal, who, page.rows[0].id)
    assert await events.replay(shop.portal, who) == 0


async def test_a_webhook_that_was_never_handled_keeps_its_content(shop: Shop) -> None:
    started = await shop.start()
    await come(shop, "dead", started.reference, proof=False)
    shop.till.fault = GatewayUnavailable("down")
    await handle_all(shop)
    shop.clock.forward(days=shop.portal.settings.raw_events_days)
    assert await retention.empty_old(shop.portal) == 0
    (dead,) = await rows(shop)
    assert dead.body
