"""What owners set over the environment counts at once, in every worker, and by the same rules."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from payments_app.db.models import Payment
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import AmountError, InvalidRequest, NotAllowed
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import checkout, gateway_settings, offers
from payments_app.services.identity import Identity
from payments_app.settings import GatewaySettings
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import Till

TEN = Money(1000, "USD")


async def staff(shop: Shop, role: Role = Role.OWNER) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=role))


def other_worker(shop: Shop, till: Till | None = None) -> Shop:
    """A second process on the same database, with gateway objects of its own."""
    till = till or Till()
    return replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)


async def test_switching_off_counts_at_once_in_every_worker(shop: Shop) -> None:
    owner, elsewhere = await staff(shop), other_worker(shop)
    assert len(await offers.offers(elsewhere.portal, shop.who)) == 1
    await gateway_settings.switch(shop.portal, owner, "till", enabled=False)
    for worker in (shop, elsewhere):
        assert await offers.offers(worker.portal, shop.who) == ()
        with pytest.raises(InvalidRequest):
            await offers.quote(worker.portal, shop.who, "till", TEN)
    await gateway_settings.switch(elsewhere.portal, owner, "till", enabled=True)
    assert len(await offers.offers(shop.portal, shop.who)) == 1


async def test_limits_and_surcharge_count_at_once_in_every_worker(shop: Shop) -> None:
    elsewhere = other_worker(shop)
    values = {"minimum": {"USD": "5"}, "maximum": {"USD": "20.50"}, "surcharge_percent": "2.5"}
    await gateway_settings.save(shop.portal, await staff(shop), "till", values)
    quote = await offers.quote(elsewhere.portal, shop.who, "till", TEN)
    assert quote.pay == Money(1025, "USD")
    for minor in (499, 2051):
        with pytest.raises(AmountError):
            await offers.quote(elsewhere.portal, shop.who, "till", Money(minor, "USD"))


async def test_the_order_counts_at_once(shop: Shop) -> None:
    class Drawer(Till):
        code = "drawer"

    both = {"till": shop.till, "drawer": Drawer()}
    portal = replace(shop.portal, gateways=both)
    assert [offer.code for offer in await offers.offers(portal, shop.who)] == ["till", "drawer"]
    await gateway_settings.save(portal, await staff(shop), "drawer", {"order": "1"})
    assert [offer.code for offer in await offers.offers(portal, shop.who)] == ["drawer", "till"]


async def test_a_deducted_fee_counts_in_the_worker_that_settles(shop: Shop) -> None:
    elsewhere = other_worker(shop, shop.till)
    started = await shop.start()
    shop.till.set(started.reference, fee=Money(150, "USD"))
    shop.till.pay(started.reference)
    settles = other_worker(shop)
    settles.till.results = shop.till.results
    await gateway_settings.save(elsewhere.portal, await staff(shop), "till", {"fee_deducted": True})
    await checkout.check(settles.portal, shop.who, started.reference)
    assert await shop.balance() == 4850


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"minimum": {"USD": "1e5"}}, "minimum"),
        ({"minimum": {"USD": "-1"}}, "minimum"),
        ({"minimum": {"USD": "0"}}, "minimum"),
        ({"minimum": {"JPY": "0.5"}}, "settings"),
        ({"maximum": {"XXX": "5"}}, "settings"),
        ({"minimum": {"USD": "9"}, "maximum": {"USD": "8"}}, "settings"),
        ({"surcharge_percent": "101"}, "surcharge_percent"),
        ({"surcharge_percent": "NaN"}, "surcharge_percent"),
        ({"surcharge_percent": "1", "fee_deducted": True}, "settings"),
        ({"surcharge_percent": "1", "surcharge_fixed": {"USD": "1"}}, "settings"),
        ({"currencies": "USD, EUR"}, "settings"),
        ({"order": "first"}, "order"),
        ({"order": "-1"}, "order"),
        ({"api_base": "https://evil.test"}, "settings"),
    ],
)
async def test_the_settings_own_rules_hold(shop: Shop, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await gateway_settings.save(shop.portal, await staff(shop), "till", values)
    assert caught.value.field == field
    assert shop.till.settings == shop.till.configured


async def test_setting_is_audited_and_what_equals_the_environment_is_not_kept(shop: Shop) -> None:
    owner = await staff(shop)
    await gateway_settings.save(
        shop.portal, owner, "till", {"enabled": True, "order": "3"}, "192.0.2.1"
    )
    await gateway_settings.save(shop.portal, owner, "till", {})
    assert shop.till.settings == shop.till.configured
    async with shop.portal.db.read() as session:
        entries = (await session.execute(select(AuditEntry).order_by("id"))).scalars().all()
    assert [(entry.action, entry.before, entry.after) for entry in entries] == [
        ("gateway_set", {}, {"order": 3}),
        ("gateway_set", {"order": 3}, {}),
    ]
    assert entries[0].address == "192.0.2.1"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
async def test_only_owners_set(shop: Shop, role: Role) -> None:
    who = await staff(shop, role)
    with pytest.raises(NotAllowed):
        await gateway_settings.save(shop.portal, who, "till", {"order": "1"})
    with pytest.raises(NotAllowed):
        await gateway_settings.switch(shop.portal, who, "till", enabled=False)


async def test_a_setting_that_the_environment_contradicts_later_offers_nothing(shop: Shop) -> None:
    await gateway_settings.save(shop.portal, await staff(shop), "till", {"surcharge_percent": "2"})
    restarted = other_worker(shop, Till(GatewaySettings(_env_file=None, fee_deducted=True)))
    assert await offers.offers(restarted.portal, shop.who) == ()


async def test_open_payments_of_a_gateway_that_was_switched_off_go_on(shop: Shop) -> None:
    started = await shop.start()
    await gateway_settings.switch(shop.portal, await staff(shop), "till", enabled=False)
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    assert await shop.balance() == 5000
    async with shop.portal.db.read() as session:
        assert (await session.execute(select(Payment.status))).scalars().all() == ["completed"]
