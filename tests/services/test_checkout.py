"""Checkout: one payment from the first press to its end."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from payments_app.db.models import Payment
from payments_app.domain.errors import (
    AmountError,
    IdempotencyConflict,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import ConfirmCard, PaymentLookup, PaymentResult, Redirect
from payments_app.gateways.circuit import FAULTS_TO_OPEN
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable
from payments_app.services import checkout, offers
from payments_app.services.checkout import TopUp
from payments_app.services.pricing import charge_of
from payments_app.services.settlement import settle
from payments_app.settings import GatewaySettings
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_account, make_user
from tests.support.gateway import Till


async def rows(shop: Shop) -> int:
    async with shop.portal.db.read() as session:
        return (await session.execute(select(func.count()).select_from(Payment))).scalar_one()


async def test_rule_6_the_row_is_committed_before_the_gateway_is_called(shop: Shop) -> None:
    seen: list[int] = []

    class Watching(Till):
        async def create_payment(self, request):  # type: ignore[no-untyped-def]
            seen.append(await rows(shop))
            # Another writer gets through: no transaction is open while the gateway is asked.
            async with asyncio.timeout(2), shop.portal.db.write():
                pass
            return await super().create_payment(request)

    shop.portal = replace(shop.portal, gateways={"till": Watching()})
    await shop.start()
    assert seen == [1]


async def test_rule_6_a_time_out_leaves_it_pending_and_the_sweep_is_due(shop: Shop) -> None:
    shop.till.loses_answer = True
    started = await shop.start()
    row = await shop.payment(started.reference)
    assert (row.status, row.gateway_reference) == (PaymentStatus.PENDING, None)
    assert row.next_check_at is not None


async def test_the_same_key_is_the_same_payment_however_often_it_is_pressed(shop: Shop) -> None:
    pressed = await asyncio.gather(*(shop.start() for _ in range(8)))
    assert len({progress.reference for progress in pressed}) == 1
    assert len(shop.till.created) == await rows(shop) == 1
    assert all(isinstance(progress.next_action, Redirect) for progress in pressed)


async def test_a_key_with_other_parameters_is_refused(shop: Shop) -> None:
    await shop.start(5000)
    with pytest.raises(IdempotencyConflict):
        await shop.start(5001)


async def test_a_refused_creation_is_cancelled_with_the_gateways_code(shop: Shop) -> None:
    shop.till.fault = GatewayRejected("amount_too_small")
    started = await shop.start()
    assert started.status is PaymentStatus.CANCELLED
    assert started.reason == "rejected:amount_too_small"


async def test_a_card_secret_is_given_out_but_never_stored(shop: Shop) -> None:
    class Card(Till):
        async def create_payment(self, request):  # type: ignore[no-untyped-def]
            result = await super().create_payment(request)
            return replace(result, next_action=ConfirmCard("pi_1_secret_2"))

    shop.portal = replace(shop.portal, gateways={"till": Card()})
    started = await shop.start()
    assert started.next_action == ConfirmCard("pi_1_secret_2")
    row = await shop.payment(started.reference)
    assert "secret" not in repr(row.model_dump())
    again = await shop.start()
    assert again.next_action == ConfirmCard("pi_1_secret_2")


async def test_rule_4_a_return_only_asks_the_gateway(shop: Shop) -> None:
    started = await shop.start()
    told = await checkout.check(shop.portal, shop.who, started.reference)
    assert told.status is PaymentStatus.PENDING
    shop.till.pay(started.reference)
    told = await checkout.check(shop.portal, shop.who, started.reference)
    assert (told.status, told.balance) == (PaymentStatus.COMPLETED, Money(5000, "USD"))


async def test_rule_9_another_accounts_payment_is_not_found(shop: Shop) -> None:
    started = await shop.start()
    account = await make_account(shop.portal.db)
    stranger = identity_of(await make_user(shop.portal.db, account), account)
    for action in (checkout.check, checkout.cancel, checkout.progress):
        with pytest.raises(NotFound):
            await action(shop.portal, stranger, started.reference)
    shop.till.pay(started.reference)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING


async def test_cancelling_voids_at_the_gateway_first(shop: Shop) -> None:
    started = await shop.start()
    told = await checkout.cancel(shop.portal, shop.who, started.reference)
    assert (told.status, told.reason) == (
        PaymentStatus.CANCELLED,
        Reason.CANCELLED_BY_CUSTOMER,
    )
    assert shop.till.results[started.reference].status is PaymentStatus.CANCELLED


async def test_cancelling_what_was_paid_meanwhile_completes_it(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    told = await checkout.cancel(shop.portal, shop.who, started.reference)
    assert told.status is PaymentStatus.COMPLETED
    assert await shop.balance() == 5000


async def test_cancelling_waits_for_a_gateway_that_does_not_answer(shop: Shop) -> None:
    started = await shop.start()
    shop.till.fault = GatewayUnavailable("down")
    with pytest.raises(GatewayUnavailable):
        await checkout.cancel(shop.portal, shop.who, started.reference)
    assert (await shop.payment(started.reference)).status is PaymentStatus.PENDING


async def test_a_declined_attempt_is_ended_with_its_reason(shop: Shop) -> None:
    started = await shop.start()
    shop.till.set(started.reference, declined=True, reason="declined:insufficient_funds")
    told = await checkout.check(shop.portal, shop.who, started.reference)
    assert (told.status, told.reason) == (
        PaymentStatus.CANCELLED,
        "declined:insufficient_funds",
    )
    assert shop.till.results[started.reference].status is PaymentStatus.CANCELLED


@pytest.mark.parametrize(
    ("account_minimum", "gateway_minimum", "minor", "limit"),
    [(1000, "5.00", 999, 1000), (100, "5.00", 499, 500)],
)
async def test_the_stricter_minimum_counts(
    shop: Shop, account_minimum: int, gateway_minimum: str, minor: int, limit: int
) -> None:
    account = await make_account(shop.portal.db, minimum_payment=account_minimum)
    who = identity_of(await make_user(shop.portal.db, account), account)
    shop.till.settings.minimum = {"USD": gateway_minimum}
    with pytest.raises(AmountError) as error:
        await offers.quote(shop.portal, who, "till", Money(minor, "USD"))
    assert (error.value.code, error.value.limit) == ("below_minimum", limit)
    await offers.quote(shop.portal, who, "till", Money(limit, "USD"))


async def test_the_maximum_is_the_gateways(shop: Shop) -> None:
    shop.till.settings.maximum = {"USD": "100.00"}
    with pytest.raises(AmountError) as error:
        await offers.quote(shop.portal, shop.who, "till", Money(10001, "USD"))
    assert (error.value.code, error.value.limit) == ("above_maximum", 10000)


@pytest.mark.parametrize(
    ("fees", "pay"),
    [
        ({}, 1050),
        ({"surcharge_percent": "2.9"}, 1080),
        ({"surcharge_fixed": {"USD": "0.30"}}, 1080),
    ],
)
async def test_a_surcharge_is_paid_on_top_and_not_credited(
    shop: Shop, fees: dict[str, object], pay: int
) -> None:
    till = Till(GatewaySettings(**fees))
    shop.portal = replace(shop.portal, gateways={"till": till})
    cost = await offers.quote(shop.portal, shop.who, "till", Money(1050, "USD"))
    assert (cost.pay.minor, cost.credit.minor) == (pay, 1050)
    started = await shop.start(1050)
    till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    assert await shop.balance() == 1050


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (TopUp("nobody", Money(100, "USD"), "k"), "gateway"),
        (TopUp("till", Money(100, "PHP"), "k"), "currency"),
    ],
)
async def test_what_is_not_offered_is_refused(shop: Shop, order: TopUp, field: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        await checkout.start(shop.portal, shop.who, order)
    assert error.value.field == field
    assert await rows(shop) == 0


async def test_open_attempts_of_the_same_amount_are_found(shop: Shop) -> None:
    first = await shop.start(5000, "a")
    await shop.start(4000, "b")
    found = await checkout.open_attempts(shop.portal, shop.who, Money(5000, "USD"))
    assert [progress.reference for progress in found] == [first.reference]


async def test_a_currency_is_charged_in_the_settlement_currency_at_the_exact_rate(
    shop: Shop,
) -> None:
    rates = GatewaySettings(
        _env_file=None,
        currencies="USD",
        settlement_currency="USD",
        settlement_rates={"GBP": "1.27345"},
    )
    till = Till(rates)
    portal = replace(shop.portal, gateways={"till": till})
    (offer,) = await offers.offers(portal, shop.who)
    assert set(offer.currencies) == {"USD", "GBP"}
    cost = await offers.quote(portal, shop.who, "till", Money(1001, "GBP"))
    # 10.01 times 1.27345 is 12.7472345
    assert (cost.pay, cost.credit, cost.rate) == (
        Money(1275, "USD"),
        Money(1001, "GBP"),
        "1.27345",
    )
    started = await checkout.start(portal, shop.who, TopUp("till", Money(1001, "GBP"), "k"))
    assert till.results[started.reference].amount == Money(1275, "USD")
    till.pay(started.reference)
    done = await checkout.check(portal, shop.who, started.reference)
    assert (done.status, done.balance) == (PaymentStatus.COMPLETED, Money(1001, "GBP"))


@pytest.mark.parametrize(
    ("rate", "minor", "pay"), [("2", 25, 50), ("0.5", 1, 1), ("0.5", 3, 2), ("1.125", 4, 5)]
)
def test_a_charge_is_rounded_half_up(rate: str, minor: int, pay: int) -> None:
    rates = GatewaySettings(
        _env_file=None, settlement_currency="USD", settlement_rates={"GBP": rate}
    )
    assert charge_of(Till(rates), Money(minor, "GBP")) == Money(pay, "USD")


@pytest.mark.parametrize("rate", ["1e5", "-1", "0", "0.0", "", "NaN", "1,27"])
def test_a_rate_that_is_no_exact_decimal_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="settlement_rates"):
        GatewaySettings(_env_file=None, settlement_currency="USD", settlement_rates={"GBP": rate})


async def paid_in_part(shop: Shop, arrived: int) -> str:
    started = await shop.start()
    part = replace(
        shop.till.results[started.reference],
        reason=Reason.PARTIALLY_PAID,
        received=Money(arrived, "USD"),
    )
    shop.till.results[started.reference] = part
    row = await shop.payment(started.reference)
    await settle(shop.portal, row.key, part, actor="webhook")
    return started.reference


async def test_a_customer_may_have_what_arrived_credited_once(shop: Shop) -> None:
    reference = await paid_in_part(shop, 3000)
    shown = await checkout.progress(shop.portal, shop.who, reference)
    assert shown.arrived == Money(3000, "USD")
    await checkout.credit_arrived(shop.portal, shop.who, reference)
    with pytest.raises(NotAllowed):
        await checkout.credit_arrived(shop.portal, shop.who, reference)
    assert await shop.balance() == 3000
    finished = replace(
        shop.till.results[reference], status=PaymentStatus.COMPLETED, reason=None, received=None
    )
    row = await shop.payment(reference)
    for _ in range(2):
        await settle(shop.portal, row.key, finished, actor="webhook")
    assert (await shop.payment(reference)).in_review
    assert await shop.balance() == 3000


async def test_a_customer_who_pays_the_rest_gets_all_of_it(shop: Shop) -> None:
    reference = await paid_in_part(shop, 3000)
    shop.till.set(reference, status=PaymentStatus.COMPLETED, reason=None, received=None)
    done = await checkout.check(shop.portal, shop.who, reference)
    assert (done.status, done.arrived) == (PaymentStatus.COMPLETED, None)
    assert await shop.balance() == 5000


async def test_only_what_arrived_in_part_can_be_credited_and_only_by_its_owner(shop: Shop) -> None:
    started = await shop.start()
    with pytest.raises(NotAllowed):
        await checkout.credit_arrived(shop.portal, shop.who, started.reference)
    part = await paid_in_part(shop, 1000)
    with pytest.raises(NotFound):
        await checkout.credit_arrived(shop.portal, replace(shop.who, account_id=999), part)
    with pytest.raises(NotAllowed):
        await checkout.credit_arrived(shop.portal, replace(shop.who, read_only=True), part)


async def broken(shop: Shop) -> None:
    """Let the till's circuit open."""
    for _ in range(FAULTS_TO_OPEN):
        with pytest.raises(GatewayUnavailable):
            async with shop.till.client.circuit.call():
                raise GatewayUnavailable("down")


async def test_a_gateway_that_is_known_not_to_answer_is_shown_and_not_begun_with(
    shop: Shop,
) -> None:
    earlier = await shop.start(key="earlier")
    assert [offer.answering for offer in await offers.offers(shop.portal, shop.who)] == [True]
    await broken(shop)
    assert [offer.answering for offer in await offers.offers(shop.portal, shop.who)] == [False]
    with pytest.raises(InvalidRequest, match="not_answering"):
        await shop.start(key="later")
    assert (await shop.start(key="earlier")).reference == earlier.reference
    assert shop.till.created == [earlier.reference]


async def test_a_gateway_is_not_asked_more_often_than_a_customer_may(shop: Shop) -> None:
    started = await shop.start()
    every = checkout.ASK_AT_MOST_EVERY

    async def look() -> None:
        await asyncio.gather(
            *(
                checkout.check(shop.portal, shop.who, started.reference, at_most_every=every)
                for _ in range(6)
            )
        )

    asked: list[str] = []
    fetch = shop.till.fetch_payment

    async def counted(lookup: PaymentLookup) -> PaymentResult:
        asked.append(lookup.reference)
        return await fetch(lookup)

    shop.till.fetch_payment = counted  # type: ignore[method-assign]
    await look()
    assert len(asked) == 1
    shop.clock.forward(seconds=every.total_seconds())
    await look()
    assert len(asked) == 2
