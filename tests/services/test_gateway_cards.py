"""Gateways at a glance: why one is not offered, how they answer, and the test call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from payments_app.db.operations_models import GatewayMinute
from payments_app.domain.errors import NotAllowed
from payments_app.domain.payment import Role
from payments_app.gateways.circuit import Minute
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable
from payments_app.services import gateway_calls, gateway_cards, gateway_settings
from payments_app.services.gateway_calls import CallCounter
from payments_app.services.gateway_cards import GatewayCard
from payments_app.services.identity import Identity
from payments_app.settings import GatewaySettings
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import Till


class Keys(GatewaySettings):
    model_config = {"env_prefix": "TILL_", "extra": "ignore"}
    secret_key: SecretStr = SecretStr("")
    public_key: str = ""


class Locked(Till):
    """A till that needs keys, and whose probe the test decides."""

    Settings = Keys
    required_settings = ("secret_key", "public_key")
    answer: Exception | None = None

    async def probe(self) -> None:
        if self.answer:
            raise self.answer


async def staff(shop: Shop, role: Role = Role.FINANCE) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=role))


def with_till(shop: Shop, till: Till) -> Shop:
    return replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)


async def card(shop: Shop) -> GatewayCard:
    (found,) = await gateway_cards.gateway_cards(shop.portal, await staff(shop, Role.VIEWER))
    return found


async def test_staff_see_which_settings_are_missing_but_never_a_value(shop: Shop) -> None:
    shop = with_till(shop, Locked(Keys(secret_key=SecretStr("hunter2"))))
    found = await card(shop)
    assert [(one.name, one.is_set) for one in found.needed] == [
        ("TILL_SECRET_KEY", True),
        ("TILL_PUBLIC_KEY", False),
    ]
    assert (found.offered, found.state_label) == (False, "Not set up")
    assert found.why == "Not offered: TILL_PUBLIC_KEY not set in the environment."
    assert "hunter2" not in repr(found)


async def test_staff_see_that_a_gateway_is_switched_off_or_has_no_currency(shop: Shop) -> None:
    assert (await card(shop)).why == ""
    owner = await staff(shop, Role.OWNER)
    await gateway_settings.switch(shop.portal, owner, "till", enabled=False)
    assert (await card(shop)).why == "Not offered: it is switched off."
    await gateway_settings.save(shop.portal, owner, "till", {"currencies": ""})
    assert "no currency" in (await card(shop)).why


def count(till: Till, at: datetime, calls: int, faults: int, milliseconds: int) -> None:
    start = at.replace(second=0, microsecond=0)
    till.client.circuit.minutes.append(Minute(start, calls, faults, milliseconds))


async def test_figures_cover_all_workers_and_restarts(shop: Shop) -> None:
    now = shop.clock()
    for _ in range(2):  # two workers, or one before and after its restart
        till = Till()
        count(till, now - timedelta(hours=5), 6, 3, 600)
        count(till, now - timedelta(minutes=5), 100, 1, 20_000)
        counter = CallCounter(replace(shop.portal, gateways={"till": till}))
        assert await counter.flush() == 2
        assert await counter.flush() == 0
        till.client.circuit.minutes[-1].calls += 100
        assert await counter.flush() == 1
    found = await card(shop)
    assert (found.hour.calls, found.hour.rate, found.hour.duration) == ("400", "99.5%", "100 ms")
    assert (found.day.calls, found.day.rate) == ("412", "98.0%")


async def test_old_rows_are_removed(shop: Shop) -> None:
    counter = CallCounter(shop.portal)
    count(shop.till, shop.clock(), 1, 0, 10)
    await counter.flush()
    shop.clock.forward(hours=25)
    assert (await card(shop)).day.calls == "0"
    shop.clock.forward(days=8)
    count(shop.till, shop.clock(), 2, 0, 10)
    await counter.flush()
    async with shop.portal.db.read() as session:
        kept = (await session.execute(select(GatewayMinute.calls))).scalars().all()
    assert kept == [2]


async def test_the_last_answer_and_the_last_error_are_kept(shop: Shop) -> None:
    now = datetime.now(UTC)
    shop.clock.now = now
    circuit = shop.till.client.circuit
    with pytest.raises(GatewayUnavailable):
        async with circuit.call():
            raise GatewayUnavailable("till: ConnectTimeout")
    await CallCounter(shop.portal).flush()
    found = await card(with_till(shop, Till()))
    assert (found.last_fault, found.state_label) == ("till: ConnectTimeout", "Last call failed")
    async with circuit.call():
        pass
    await CallCounter(shop.portal).flush()
    found = await card(with_till(shop, Till()))
    assert (found.last_fault, found.state_label) == ("till: ConnectTimeout", "Answers")


@pytest.mark.parametrize(
    ("answer", "ok", "said"),
    [
        (None, True, "took our keys"),
        (GatewayRejected("invalid_key"), False, "invalid_key"),
        (GatewayUnavailable("till: ConnectTimeout"), False, "does not answer"),
    ],
)
async def test_the_test_call_tells_what_it_found(
    shop: Shop, answer: Exception | None, ok: bool, said: str
) -> None:
    till = Locked(Keys(secret_key=SecretStr("a"), public_key="b"))
    till.answer = answer
    shop = with_till(shop, till)
    announced: list[str] = []

    async def listen(topic: str) -> None:
        announced.append(topic)

    shop.portal.feed.subscribe_topics(listen)
    found = await gateway_cards.probe(shop.portal, await staff(shop), "till")
    assert found.ok is ok
    assert said in found.text
    assert gateway_calls.TOPIC in announced


async def test_viewers_look_but_do_not_test_and_customers_see_nothing(shop: Shop) -> None:
    with pytest.raises(NotAllowed):
        await gateway_cards.probe(shop.portal, await staff(shop, Role.VIEWER), "till")
    with pytest.raises(NotAllowed):
        await gateway_cards.gateway_cards(shop.portal, shop.who)
