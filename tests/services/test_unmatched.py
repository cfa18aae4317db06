"""Messages of no payment wait in review until staff have looked at them."""

import pytest
from sqlalchemy import select

from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.payment import Role
from payments_app.services import events, unmatched, webhooks
from payments_app.services.identity import Identity
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import webhook


async def staff(shop: Shop, role: Role = Role.FINANCE) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=role))


async def strangers_come(shop: Shop, count: int = 1) -> None:
    for number in range(count):
        headers, body = webhook(f"evt-{number}", f"PSTRANGER{number}")
        await webhooks.receive(shop.portal, "till", headers, body)
    for _ in range(20):
        await webhooks.handle_due(shop.portal)
        shop.clock.forward(hours=1)


async def test_a_message_of_no_payment_stands_in_review(shop: Shop) -> None:
    await strangers_come(shop)
    found = await unmatched.unmatched(shop.portal, await staff(shop, Role.VIEWER))
    (stranger,) = found.shown
    assert found.count == 1
    assert (stranger.reference, stranger.gateway) == ("PSTRANGER0", "Till")


async def test_the_newest_are_shown_and_all_are_counted(shop: Shop) -> None:
    await strangers_come(shop, unmatched.MOST_SHOWN + 2)
    found = await unmatched.unmatched(shop.portal, await staff(shop))
    assert len(found.shown) == unmatched.MOST_SHOWN
    assert found.count == unmatched.MOST_SHOWN + 2
    assert found.shown[0].reference == f"PSTRANGER{unmatched.MOST_SHOWN + 1}"


async def test_setting_one_aside_needs_a_reason_and_is_written_down(shop: Shop) -> None:
    who = await staff(shop)
    await strangers_come(shop)
    (stranger,) = (await unmatched.unmatched(shop.portal, who)).shown
    with pytest.raises(InvalidRequest):
        await unmatched.set_aside(shop.portal, who, stranger.id, "  ")
    with pytest.raises(NotAllowed):
        await unmatched.set_aside(shop.portal, await staff(shop, Role.VIEWER), stranger.id, "no")
    await unmatched.set_aside(shop.portal, who, stranger.id, "a test of theirs", "192.0.2.7")
    assert (await unmatched.unmatched(shop.portal, who)).count == 0
    detail = await events.event_detail(shop.portal, who, stranger.id)
    assert detail.row.outcome == "Set aside by staff"
    with pytest.raises(NotFound):
        await unmatched.set_aside(shop.portal, who, stranger.id, "again")
    async with shop.portal.db.read() as session:
        entry = (await session.execute(select(AuditEntry))).scalar_one()
    assert (entry.action, entry.address) == ("webhook_set_aside", "192.0.2.7")
    assert entry.after == {"why": "a test of theirs"}


async def test_one_that_was_set_aside_can_still_be_replayed(shop: Shop) -> None:
    who = await staff(shop)
    await strangers_come(shop)
    (stranger,) = (await unmatched.unmatched(shop.portal, who)).shown
    await unmatched.set_aside(shop.portal, who, stranger.id, "a test")
    assert await events.replay(shop.portal, who, stranger.id) == 1
    await webhooks.handle_due(shop.portal)
    for _ in range(20):
        shop.clock.forward(hours=1)
        await webhooks.handle_due(shop.portal)
    assert (await unmatched.unmatched(shop.portal, who)).count == 1
