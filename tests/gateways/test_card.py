"""The card gateway, against Stripe's twin over real HTTP; signatures against a worked example."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import stripe

from payments_app.domain.money import Money
from payments_app.gateways.base import ConfirmCard, PaymentResult, RefundRequest, Takeback
from payments_app.gateways.card import Card, CardSettings
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable, InvalidSignature
from payments_app.gateways.http import Client
from payments_app.sandbox.app import issued_settings
from tests.gateways.contract import CANCELLED, COMPLETED, PENDING, GatewayContract
from tests.support.sandbox import FakeClock, RunningSandbox

# The SDK hands raw bytes to HTTPX under a name that HTTPX has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

VISA, NO_FUNDS, STOLEN = "4242424242424242", "4000000000009995", "4000000000009979"
THREE_D_SECURE, DISPUTED = "4000000000003220", "4000000000000259"
REFUND_LATE, REFUND_FAILS = "4000000000007726", "4000000000005126"


async def confirm(sandbox: RunningSandbox, created: PaymentResult, number: str) -> int:
    """Post what the card fields in the browser post; returns the HTTP status."""
    assert isinstance(created.next_action, ConfirmCard)
    card = {"number": number, "exp_month": "12", "exp_year": "40", "cvc": "123"}
    body = {f"payment_method_data[card][{name}]": text for name, text in card.items()}
    body |= {
        "payment_method_data[type]": "card",
        "payment_method_data[billing_details][email]": "ada@example.com",
        "client_secret": created.next_action.client_secret,
        "key": issued_settings(sandbox.origin)["STRIPE_PUBLISHABLE_KEY"],
    }
    path = f"/stripe/v1/payment_intents/{created.gateway_reference}/confirm"
    return (await sandbox.http.post(path, data=body)).status_code


class TestCard(GatewayContract):
    kind = Card
    creating = "POST /sandbox/stripe/v1/payment_intents"
    page_size = "payments_app.gateways.card._PAGE"
    probed_by = "secret_key"
    secrets = ("secret_key", "webhook_secret")

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await confirm(sandbox, created, VISA)

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        assert await confirm(sandbox, created, NO_FUNDS) == 402

    async def created(self, sandbox: RunningSandbox, gateway: Card, number: str) -> PaymentResult:
        """Create a payment and try to pay it with a card."""
        created = await gateway.create_payment(self.request_at(sandbox))
        await confirm(sandbox, created, number)
        return created

    async def takebacks(self, sandbox: RunningSandbox, gateway: Card, count: int) -> list[Takeback]:
        """Wait for the webhooks of so many takebacks, in the order they came."""
        seen = 0
        while True:
            deliveries = await sandbox.receiver.wait_for(seen + 1)
            seen = len(deliveries)
            read = [await gateway.parse_webhook(each.headers, each.body) for each in deliveries]
            found = [event.takeback for event in read if event.takeback is not None]
            if len(found) >= count:
                return found

    def private(self, created: PaymentResult) -> tuple[str, ...]:
        assert isinstance(created.next_action, ConfirmCard)
        return (created.next_action.client_secret, VISA)

    async def test_paid_tells_card_and_fee(self, sandbox: RunningSandbox, gateway: Card) -> None:
        paid = await self.pay(sandbox, gateway)
        assert (paid.method_detail, paid.fee) == ("Visa ending 4242", Money(175, "USD"))

    async def test_declined_may_be_tried_again(
        self, sandbox: RunningSandbox, gateway: Card
    ) -> None:
        created = await self.created(sandbox, gateway, STOLEN)
        result = await gateway.fetch_payment(self.lookup(created.gateway_reference))
        assert (result.status, result.declined) == (PENDING, True)
        assert result.reason == "declined:generic_decline"
        await confirm(sandbox, created, VISA)
        assert (await self.settled(gateway, created)).status is COMPLETED

    async def test_declined_and_given_up_cannot_be_paid(
        self, sandbox: RunningSandbox, gateway: Card
    ) -> None:
        created = await self.created(sandbox, gateway, NO_FUNDS)
        given_up = await gateway.cancel_payment(self.lookup(created.gateway_reference))
        assert (given_up.status, given_up.reason) == (CANCELLED, "declined:insufficient_funds")
        assert await confirm(sandbox, created, VISA) == 400
        assert await self.charges(sandbox) == []

    @pytest.mark.parametrize("answer", ["complete", "fail"])
    async def test_3d_secure(self, sandbox: RunningSandbox, gateway: Card, answer: str) -> None:
        created = await self.created(sandbox, gateway, THREE_D_SECURE)
        waiting = await gateway.fetch_payment(self.lookup(created.gateway_reference))
        assert (waiting.status, waiting.declined) == (PENDING, False)
        assert isinstance(created.next_action, ConfirmCard)
        form = {"client_secret": created.next_action.client_secret}
        await sandbox.http.post(f"/stripe/3ds/{created.gateway_reference}/{answer}", data=form)
        result = await gateway.fetch_payment(self.lookup(created.gateway_reference))
        if answer == "complete":
            assert result.status is COMPLETED
        else:
            assert result.declined
            assert result.reason == "declined:payment_intent_authentication_failure"

    async def test_creation_answered_with_an_error_for_good_is_found_by_our_reference(
        self, sandbox: RunningSandbox, gateway: Card
    ) -> None:
        await sandbox.fault("card", error_after={"times": 1, "on_call": "POST"})
        with pytest.raises(GatewayUnavailable):  # the repeats get the answer that Stripe keeps
            await gateway.create_payment(self.request_at(sandbox))
        found = await gateway.fetch_payment(self.lookup(None))
        assert (found.status, found.own_reference) == (PENDING, self.request_.reference)
        given_up = await gateway.cancel_payment(self.lookup(found.gateway_reference))
        assert given_up.status is CANCELLED

    async def test_refund_answered_with_an_error_for_good_is_found_and_not_made_twice(
        self, sandbox: RunningSandbox, gateway: Card
    ) -> None:
        paid = await self.pay(sandbox, gateway)
        request = RefundRequest("R1", self.lookup(paid.gateway_reference), Money(2000, "USD"))
        await sandbox.fault("card", error_after={"times": 1, "on_call": "POST"})
        with pytest.raises(GatewayUnavailable):
            await gateway.refund(request)
        async with sandbox.sandbox.store.transaction("card") as tx:
            await tx.execute("DELETE FROM replies")  # as Stripe does after a day
        assert (await gateway.refund(request)).status is COMPLETED
        entries = await sandbox.ledger("card")
        assert [each["amount"] for each in entries if each["kind"] == "refund"] == [2000]

    async def test_created_at_the_same_time_is_one_payment(
        self, sandbox: RunningSandbox, gateway: Card
    ) -> None:
        request = self.request_at(sandbox)
        made = await asyncio.gather(*(gateway.create_payment(request) for _ in range(5)))
        assert len({each.gateway_reference for each in made}) == 1

    async def test_same_reference_for_another_amount_is_refused(
        self, sandbox: RunningSandbox, gateway: Card
    ) -> None:
        request = self.request_at(sandbox)
        await gateway.create_payment(request)
        with pytest.raises(GatewayRejected):
            await gateway.create_payment(replace(request, charge=Money(5001, "USD")))

    async def test_too_little_is_refused(self, sandbox: RunningSandbox, gateway: Card) -> None:
        with pytest.raises(GatewayRejected, match="amount_too_small"):
            await gateway.create_payment(replace(self.request_at(sandbox), charge=Money(49, "USD")))

    @pytest.mark.parametrize(
        ("number", "statuses"),
        [
            (VISA, [COMPLETED]),
            (REFUND_LATE, [PENDING, COMPLETED]),
            (REFUND_FAILS, [COMPLETED, CANCELLED]),
        ],
    )
    async def test_refund_events(
        self, sandbox: RunningSandbox, gateway: Card, number: str, statuses: list[str]
    ) -> None:
        created = await self.created(sandbox, gateway, number)
        lookup = self.lookup(created.gateway_reference)
        request = RefundRequest("R7K2", lookup, Money(2000, "USD"))
        given = await gateway.refund(request)
        assert given.gateway_reference
        found = await self.takebacks(sandbox, gateway, len(statuses))
        assert [each.status for each in found] == statuses
        for each in found:
            assert (each.own_reference, each.amount) == ("R7K2", Money(2000, "USD"))
            assert each.gateway_reference == given.gateway_reference
        last = await gateway.fetch_refund(request, given.gateway_reference)
        assert last.status == statuses[-1]

    async def test_dispute_holds_the_money(self, sandbox: RunningSandbox, gateway: Card) -> None:
        await self.created(sandbox, gateway, DISPUTED)
        (held,) = await self.takebacks(sandbox, gateway, 1)
        assert (held.status, held.amount, held.reason) == (PENDING, self.charge, "disputed")


BODY = (
    b'{"id":"evt_1PortalTest0001","object":"event","api_version":"2026-10-28.endive","created":'
    b'1768465800,"type":"payment_intent.succeeded","livemode":false,"data":{"object":{"id":'
    b'"pi_3PortalTest0001","object":"payment_intent","amount":150000,"amount_received":150000,'
    b'"currency":"php","status":"succeeded","metadata":{"payment_id":"PAY-000123"}}}}'
)
SIGNED_AT = 1768465800
V1 = "cdf5a3d13e1d5ea00770419ca20f16d03633ab38d1b6f24b3a9bcab4cac6c942"
SECRET = "whsec_test_portal_0001"


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock(SIGNED_AT)


@pytest.fixture
async def live(clock: FakeClock) -> AsyncIterator[Card]:
    """A gateway as in live mode, while its webhook secret is being rolled."""
    secrets = f"whsec_older, {SECRET}"
    gateway = Card(CardSettings(_env_file=None, webhook_secret=secrets), Client("card"), clock)
    yield gateway
    await gateway.aclose()


async def test_worked_signature(live: Card) -> None:
    event = await live.parse_webhook({"stripe-signature": f"t={SIGNED_AT},v1={V1}"}, BODY)
    assert (event.event_id, event.kind) == ("evt_1PortalTest0001", "payment_intent.succeeded")
    assert event.gateway_reference == "pi_3PortalTest0001"


@pytest.mark.parametrize(
    "header",
    [
        f"t={SIGNED_AT},v1={'0' * 64},v1={V1}",
        f"t={SIGNED_AT},v0=old,v1={V1}",
        f"v1={V1},t={SIGNED_AT}",
    ],
)
async def test_any_signature_of_the_scheme_will_do(live: Card, header: str) -> None:
    assert await live.parse_webhook({"stripe-signature": header}, BODY)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"t={SIGNED_AT}",
        f"v1={V1}",
        f"t={SIGNED_AT},v0={V1}",
        f"t={SIGNED_AT},v1={V1[:-1]}",
        f"t={SIGNED_AT},v1={V1[:-1]}\xe9",
        f"t={SIGNED_AT + 1},v1={V1}",
        f"t={'9' * 400},v1={V1}",
        f"t=soon,v1={V1}",
    ],
)
async def test_other_signatures_are_refused(live: Card, header: str) -> None:
    with pytest.raises(InvalidSignature):
        await live.parse_webhook({"stripe-signature": header}, BODY)


@pytest.mark.parametrize("age", [-301, -300, 0, 300, 301])
async def test_time_is_bounded_both_ways(live: Card, clock: FakeClock, age: int) -> None:
    clock.now = SIGNED_AT + age
    headers = {"stripe-signature": f"t={SIGNED_AT},v1={V1}"}
    if abs(age) <= 300:
        assert await live.parse_webhook(headers, BODY)
    else:
        with pytest.raises(InvalidSignature, match="tolerance"):
            await live.parse_webhook(headers, BODY)


async def test_an_old_webhook_is_not_made_young_by_a_second_time(
    live: Card, clock: FakeClock
) -> None:
    clock.now = SIGNED_AT + 86400
    for header in (
        f"t={SIGNED_AT},v1={V1},t={int(clock.now)}",
        f"t={int(clock.now)},t={SIGNED_AT},v1={V1}",
    ):
        with pytest.raises(InvalidSignature):
            await live.parse_webhook({"stripe-signature": header}, BODY)


@pytest.mark.parametrize("body", ["[]", "{}", "null", '{"id":"evt_1","type":"refund.created"}'])
async def test_signed_nonsense_is_refused(live: Card, body: str) -> None:
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET, SIGNED_AT)
    with pytest.raises(InvalidSignature, match="not a Stripe event"):
        await live.parse_webhook({"stripe-signature": header}, body.encode())


@pytest.mark.parametrize("secret", ["", " , "])
async def test_without_a_secret_nothing_verifies(live: Card, secret: str) -> None:
    settings = CardSettings(_env_file=None, webhook_secret=secret)
    gateway = Card(settings, live.client, lambda: SIGNED_AT)
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), secret, SIGNED_AT)
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook({"stripe-signature": header}, BODY)


async def test_currencies_and_limits(live: Card) -> None:
    assert live.currencies() == {"USD", "GBP"}
    assert (live.minimum("USD"), live.minimum("GBP")) == (Money(50, "USD"), Money(30, "GBP"))
    assert live.maximum("USD") == Money(99_999_999, "USD")
    assert live.maximum("ISK") == Money(999_999, "ISK")
    settings = CardSettings(_env_file=None, currencies="usd, php", maximum={"USD": "500"})
    other = Card(settings, live.client)
    assert other.currencies() == {"USD", "PHP"}
    assert (other.maximum("USD"), other.minimum("PHP")) == (Money(50_000, "USD"), None)


async def test_browser_gets_public_values_only() -> None:
    settings = CardSettings(_env_file=None, secret_key="sk_test_1", publishable_key="pk_test_1")
    gateway = Card(settings, Client("card"))
    assert gateway.browser_scripts() == {
        "js_url": "https://js.stripe.com/v3/",
        "publishable_key": "pk_test_1",
    }
    await gateway.aclose()
