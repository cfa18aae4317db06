"""The overview's figures: right, per currency, and counted again only where something changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from payments_app.domain.errors import NotAllowed
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.services import overview
from payments_app.services.context import Portal
from payments_app.services.overview import Days
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.gateway import Till


async def test_figures_are_per_currency_gateway_and_age(portal: Portal) -> None:
    portal = replace(portal, gateways={"till": Till()})
    now = portal.clock()
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db))
    old = {"created_at": now - timedelta(days=2), "gateway": "till"}
    await make_payment(portal.db, account, completed=True, gateway="till", created_at=now)
    await make_payment(portal.db, account, completed=True, amount=7500, **old)
    await make_payment(portal.db, account, status=PaymentStatus.CANCELLED, reason="expired", **old)
    await make_payment(portal.db, account, **old)
    await make_payment(
        portal.db, account, completed=True, kind=PaymentKind.CHARGE, amount=-900, created_at=now
    )
    seen = await overview.overview(portal, who, Days())
    assert [(one.currency, one.received) for one in seen.today] == [("USD", "$25.00")]
    (chart,) = seen.received
    assert [bar.text for bar in chart.bars][-3:] == ["$75.00", "$0.00", "$25.00"]
    assert [part.share for bar in chart.bars[-3:] for part in bar.parts] == [1000, 333]
    edges = (chart.bars[0].label, chart.bars[-1].label)
    assert (chart.most, chart.first_day, chart.last_day) == ("$75.00", *edges)
    assert seen.success[0].text == "66% (2 of 3)"
    assert [bar.text for bar in seen.pending] == ["0", "0", "1 · $25.00", "0"]


async def test_after_a_change_only_its_days_are_counted_again(portal: Portal) -> None:
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db))
    payment = await make_payment(portal.db, account, completed=True, created_at=portal.clock())
    counted = Days()
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(portal.db.engine.sync_engine, "before_cursor_execute", note)
    sizes = []
    for forgotten in ([], [], [payment]):
        counted.forget(forgotten)
        statements.clear()
        await overview.overview(portal, who, counted)
        sizes.append(sum(statement.startswith("SELECT") for statement in statements))
    event.remove(portal.db.engine.sync_engine, "before_cursor_execute", note)
    assert sizes == [overview.SHOWN_DAYS + 1, 1, 2]


async def test_customers_have_no_overview(portal: Portal) -> None:
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db, account), account)
    with pytest.raises(NotAllowed):
        await overview.overview(portal, who, Days())
