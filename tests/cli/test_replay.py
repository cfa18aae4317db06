"""Webhooks that are replayed on the command line are handled there, with or without a portal."""

from dataclasses import replace

from sqlalchemy import select

from payments_app.cli.portal import operator
from payments_app.cli.replay import replay as replay_now
from payments_app.db import ledger
from payments_app.db.models import InboxEvent
from payments_app.domain.money import Money
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout, webhooks
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from tests.support.factories import identity_of, make_account, make_user
from tests.support.gateway import Till, webhook


async def test_a_replayed_webhook_is_handled_at_once(portal: Portal) -> None:
    till = Till()
    portal = replace(portal, gateways={"till": till})
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db, account), account)
    started = await checkout.start(portal, who, TopUp("till", Money(5000, "USD"), "key-1"))
    till.pay(started.reference)
    await webhooks.receive(portal, "till", *webhook("evt-1", started.reference, proof=False))
    till.fault = GatewayUnavailable("down")
    await webhooks.handle_due(portal)
    till.fault = None
    async with portal.db.read() as session:
        number = (await session.execute(select(InboxEvent.id))).scalar_one()
    assert await replay_now(portal, operator(), number, quiet=True) == 1
    async with portal.db.read() as session:
        assert await ledger.balance_of(session, account.key, "USD") == 5000
    assert await replay_now(portal, operator(), None, quiet=True) == 0
