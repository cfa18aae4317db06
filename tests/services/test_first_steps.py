"""Staff see what is left to set up, and nothing once everything works."""

from dataclasses import replace

import pytest

from payments_app.domain.errors import NotAllowed
from payments_app.domain.payment import Role
from payments_app.gateways.errors import InvalidSignature
from payments_app.services import checkout, first_steps, webhooks
from payments_app.services.context import Portal
from payments_app.settings import GatewaySettings, Mode
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import Till, webhook


def live(portal: Portal) -> Portal:
    """The same portal with real money, and a mail server."""
    changes = {"portal_mode": Mode.LIVE, "smtp_host": "mail.test"}
    return replace(portal, settings=portal.settings.model_copy(update=changes))


async def test_a_gateways_steps_go_away_as_they_are_done(shop: Shop) -> None:
    who = identity_of(await make_user(shop.portal.db, role=Role.VIEWER))
    (till,) = (await first_steps.left(live(shop.portal), who)).gateways
    assert (till.missing, till.webhook) == ((), "http://portal.test/webhooks/till")
    assert not till.paid
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    (till,) = (await first_steps.left(live(shop.portal), who)).gateways
    assert (till.paid, till.webhook) == (True, "http://portal.test/webhooks/till")
    await webhooks.receive(shop.portal, "till", *webhook("evt", started.reference))
    found = await first_steps.left(live(shop.portal), who)
    assert found.done


async def test_a_forged_webhook_is_no_sign_that_the_address_is_right(shop: Shop) -> None:
    who = identity_of(await make_user(shop.portal.db, role=Role.VIEWER))
    headers, body = webhook("evt", "P1")
    with pytest.raises(InvalidSignature):
        await webhooks.receive(shop.portal, "till", headers, body + b" ")
    (till,) = (await first_steps.left(live(shop.portal), who)).gateways
    assert till.webhook


async def test_missing_keys_are_named_and_what_is_switched_off_is_left_out(portal: Portal) -> None:
    class Keyed(Till):
        required_settings = ("order",)

        def missing_settings(self) -> list[str]:
            return ["TILL_KEY"]

    who = identity_of(await make_user(portal.db))
    off = Till(GatewaySettings(enabled=False))
    with_two = replace(portal, gateways={"keyed": Keyed(), "off": off})
    found = await first_steps.left(with_two, who)
    assert [steps.missing for steps in found.gateways] == [("TILL_KEY",)]
    assert found.needs_account


async def test_in_live_mode_a_mail_server_is_missed(shop: Shop) -> None:
    who = identity_of(await make_user(shop.portal.db))
    settings = shop.portal.settings.model_copy(update={"portal_mode": Mode.LIVE})
    assert (await first_steps.left(replace(shop.portal, settings=settings), who)).needs_mail
    assert not (await first_steps.left(shop.portal, who)).needs_mail


async def test_the_sandbox_needs_no_address(shop: Shop) -> None:
    who = identity_of(await make_user(shop.portal.db))
    (till,) = (await first_steps.left(shop.portal, who)).gateways
    assert till.webhook == ""


async def test_customers_do_not_see_it(shop: Shop) -> None:
    with pytest.raises(NotAllowed):
        await first_steps.left(shop.portal, shop.who)
