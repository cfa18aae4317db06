"""The rules, checked on the live data: what is broken by hand is found, told once, and mended."""

import asyncio

import pytest
from sqlalchemy import text

from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import alerts, invariants, refunds, sweep, webhooks
from payments_app.services.identity import Identity
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import webhook


async def told(shop: Shop) -> dict[str, str]:
    """Make both checks and return the open alerts, code by subject."""
    shop.clock.forward(seconds=1)
    await invariants.report_quick(shop.portal)
    await invariants.report_full(shop.portal)
    return {alert.subject: alert.code for alert in await alerts.open_alerts(shop.portal)}


async def break_by_hand(shop: Shop, statement: str, **values: object) -> None:
    """Change a row as somebody with the database's password can."""
    async with shop.portal.db.write() as session:
        if not shop.portal.db.is_sqlite:
            await session.execute(text("set local session_replication_role = replica"))
        await session.execute(text(statement), values)


async def completed(shop: Shop, key: str = "key-1") -> str:
    started = await shop.start(key=key)
    shop.till.pay(started.reference)
    shop.clock.forward(seconds=11)
    await sweep.sweep_once(shop.portal)
    return started.reference


async def finance(shop: Shop) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=Role.FINANCE))


async def test_a_sound_ledger_raises_nothing(shop: Shop) -> None:
    reference = await completed(shop)
    await refunds.refund(
        shop.portal, reference, Money(2000, "USD"), key="r", actor="staff", user_id=None
    )
    await shop.start(key="key-2")
    cancelled = await shop.start(key="key-3")
    shop.clock.forward(hours=5)
    await sweep.sweep_once(shop.portal)
    shop.till.pay(cancelled.reference)
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", cancelled.reference))
    await webhooks.handle_due(shop.portal)
    assert await told(shop) == {}


async def test_a_wrong_balance_is_told_until_it_is_put_right(shop: Shop) -> None:
    await completed(shop)
    await break_by_hand(shop, "update balance set amount = amount + 1")
    subject = f"account:{shop.who.account_id}:USD"
    assert await told(shop) == {subject: "balance_wrong"}
    assert await told(shop) == {subject: "balance_wrong"}
    await break_by_hand(shop, "update balance set amount = amount - 1")
    assert await told(shop) == {}


async def test_a_total_that_is_not_that_of_its_payments_is_told(shop: Shop) -> None:
    await completed(shop)
    await break_by_hand(shop, "update payment_total set cancelled = 1, pending_amount = -7")
    assert await told(shop) == {f"account:{shop.who.account_id}:USD": "total_wrong"}


async def test_a_payment_completed_twice_is_found(shop: Shop) -> None:
    reference = await completed(shop)
    await break_by_hand(
        shop,
        "insert into timeline_entry (payment_id, at, code, actor, details)"
        " select payment_id, at, code, actor, details from timeline_entry where code = 'completed'",
    )
    assert await told(shop) == {f"payment:{reference}": "history_illegal"}


async def test_more_refunded_than_paid_is_found(shop: Shop) -> None:
    reference = await completed(shop)
    await refunds.refund(
        shop.portal, reference, Money(2000, "USD"), key="r", actor="staff", user_id=None
    )
    await break_by_hand(shop, "update payment set charge_amount = 5001 where kind = 'refund'")
    assert (await told(shop))[f"payment:{reference}"] == "refunded_too_much"


async def test_a_webhook_that_nobody_handles_is_found(shop: Shop) -> None:
    started = await shop.start()
    await webhooks.receive(shop.portal, "till", *webhook("evt-1", started.reference))
    assert await told(shop) == {}
    shop.clock.forward(minutes=20)
    assert await told(shop) == {"event:till:evt-1": "event_overdue"}
    await webhooks.handle_due(shop.portal)
    assert await told(shop) == {}


async def test_a_payment_that_nobody_asks_about_is_found(shop: Shop) -> None:
    started = await shop.start()
    shop.clock.forward(minutes=70)
    assert await told(shop) == {f"payment:{started.reference}": "payment_forgotten"}
    await sweep.sweep_once(shop.portal)
    assert await told(shop) == {}


async def test_an_acknowledged_alert_leaves_the_banner_and_the_audit_log_knows(shop: Shop) -> None:
    await completed(shop)
    await break_by_hand(shop, "update balance set amount = amount + 1")
    assert await told(shop)
    (alert,) = await alerts.open_alerts(shop.portal)
    who = await finance(shop)
    await asyncio.gather(*(alerts.acknowledge(shop.portal, who, alert.id) for _ in range(5)))
    assert await told(shop) == {}
    async with shop.portal.db.read() as session:
        rows = (await session.execute(text("select action, subject from audit_entry"))).all()
    assert [tuple(row) for row in rows] == [("alert_acknowledged", f"alert:{alert.id}")]
    await break_by_hand(shop, "update balance set amount = amount - 1")
    assert await told(shop) == {}
    await break_by_hand(shop, "update balance set amount = amount + 1")
    assert len(await told(shop)) == 1


async def test_only_finance_acknowledges(shop: Shop) -> None:
    viewer = identity_of(await make_user(shop.portal.db, role=Role.VIEWER))
    for who in (viewer, shop.who):
        with pytest.raises(NotAllowed):
            await alerts.acknowledge(shop.portal, who, 1)
    with pytest.raises(NotFound):
        await alerts.acknowledge(shop.portal, await finance(shop), 1)


async def test_a_gateway_that_is_away_for_hours_is_told_not_lost(shop: Shop) -> None:
    shop.till.fault = GatewayUnavailable("down")
    started = await shop.start()
    for _ in range(6):
        shop.clock.forward(minutes=10)
        await sweep.sweep_once(shop.portal)
    assert await told(shop) == {}
    assert (await shop.payment(started.reference)).next_check_at is not None
