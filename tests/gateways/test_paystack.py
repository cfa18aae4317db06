"""Paystack, against its twin over real HTTP; signatures against a worked example."""

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import col
from structlog.testing import capture_logs

from payments_app.db import ledger
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import (
    Customer,
    Gateway,
    GatewayEvent,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    RefundRequest,
    Subject,
)
from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    UnknownPayment,
    Unsupported,
)
from payments_app.gateways.http import Client
from payments_app.gateways.paystack import (
    STATUSES,
    Paystack,
    PaystackSettings,
    _disputed,
    _money,
    _refund_result,
    _result,
)
from payments_app.sandbox.app import issued_settings
from payments_app.services import checkout, refunds
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from tests.gateways.contract import CANCELLED, COMPLETED, PENDING, GatewayContract
from tests.support.factories import identity_of, make_account, make_user
from tests.support.sandbox import RunningSandbox
from tests.support.webhooks import take_in

USD = Money(5000, "USD")


class TestContract(GatewayContract):
    kind = Paystack
    creating = "/transaction/initialize"
    page_size = "payments_app.gateways.paystack._PAGE"
    probed_by = "secret_key"
    secrets = ("secret_key",)
    cancels = False

    async def press(self, sandbox: RunningSandbox, created: PaymentResult, button: str) -> None:
        """Press a button of the page, found by the reference: its address may have been lost."""
        async with sandbox.sandbox.providers["paystack"].transaction() as tx:
            transaction = await tx.get("transaction", created.gateway_reference or "")
        assert transaction
        await sandbox.http.post(f"/paystack/checkout/{transaction['_access_code']}/{button}")

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await self.press(sandbox, created, "approve")

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await self.press(sandbox, created, "fail")

    async def test_refunds_once_and_never_more(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        """As in the contract, for a refund that is pending when asked for, and processed next."""
        await self.pay(sandbox, gateway)
        payment = self.lookup(self.request_.reference)
        first = RefundRequest("R1", payment, Money(2000, "USD"), "Sorry")
        given = await gateway.refund(first)
        assert (given.status, given.amount) == (PENDING, Money(2000, "USD"))
        again = await gateway.refund(first)
        assert (again.status, again.gateway_reference) == (COMPLETED, given.gateway_reference)
        assert given.gateway_reference
        assert (await gateway.fetch_refund(first, given.gateway_reference)).status is COMPLETED
        assert (await gateway.fetch_payment(first.payment)).status is COMPLETED
        with pytest.raises(GatewayRejected, match="invalid_amount"):
            await gateway.refund(replace(first, reference="R2", amount=Money(3001, "USD")))
        await gateway.refund(replace(first, reference="R3", amount=Money(3000, "USD"), note=""))
        amounts = [entry["amount"] for entry in await sandbox.ledger("paystack")]
        assert amounts == [5000, 2000, 3000]
        result = await gateway.fetch_payment(first.payment)
        assert (result.status, result.reason) == (CANCELLED, Reason.REVERSED)


LOOKUP = PaymentLookup("P7K2", "P7K2", USD, datetime(2026, 1, 1, tzinfo=UTC))
REQUEST = PaymentRequest(
    reference="P7K2",
    charge=USD,
    description="Top-up",
    customer=Customer("Ada Byron", "ada@example.com"),
    return_url="http://portal.test/return/P7K2",
    cancel_url="http://portal.test/return/P7K2/cancelled",
    webhook_url="http://portal.test/webhooks/paystack",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)


@pytest.fixture
async def gateway(sandbox: RunningSandbox) -> AsyncIterator[Paystack]:
    issued = issued_settings(sandbox.origin)
    client = Client("paystack")
    settings = PaystackSettings(
        _env_file=None,
        secret_key=issued["PAYSTACK_SECRET_KEY"],
        api_base=issued["PAYSTACK_API_BASE"],
    )
    yield Paystack(settings, client)
    await client.aclose()


class Page:
    """The hosted page of one payment."""

    def __init__(self, sandbox: RunningSandbox, url: str) -> None:
        self.sandbox, self.url = sandbox, url

    async def press(self, button: str) -> str:
        """Press a button and return where the browser is sent."""
        answer = await self.sandbox.http.post(f"{self.url}/{button}")
        assert answer.status_code == 303
        return answer.headers["location"]


@pytest.fixture
async def page(sandbox: RunningSandbox, gateway: Paystack) -> Page:
    """The page of a payment that was just started."""
    created = await gateway.create_payment(REQUEST)
    assert isinstance(created.next_action, Redirect)
    return Page(sandbox, created.next_action.url)


async def events(sandbox: RunningSandbox, gateway: Paystack, count: int) -> dict[str, GatewayEvent]:
    deliveries = await sandbox.receiver.wait_for(count)
    read = [await gateway.parse_webhook(each.headers, each.body) for each in deliveries]
    return {event.kind: event for event in read}


async def test_starts_on_the_hosted_page(sandbox: RunningSandbox, gateway: Paystack) -> None:
    result = await gateway.create_payment(REQUEST)
    assert (result.status, result.amount, result.own_reference) == (PENDING, USD, "P7K2")
    assert isinstance(result.next_action, Redirect)
    assert "50.00 USD" in (await sandbox.http.get(result.next_action.url)).text
    again = await gateway.create_payment(REQUEST)
    assert (again.status, again.gateway_reference) == (PENDING, result.gateway_reference)


@pytest.mark.parametrize("currency", ["GHS", "KES", "NGN", "USD", "ZAR"])
async def test_counts_in_hundredths(
    sandbox: RunningSandbox, gateway: Paystack, currency: str
) -> None:
    money = Money(1234, currency)
    result = await gateway.create_payment(replace(REQUEST, charge=money))
    assert isinstance(result.next_action, Redirect)
    assert f"12.34 {currency}" in (await sandbox.http.get(result.next_action.url)).text
    assert (await gateway.fetch_payment(LOOKUP)).amount == money


async def test_paid(sandbox: RunningSandbox, gateway: Paystack, page: Page) -> None:
    back = await page.press("approve")
    assert back == "http://portal.test/return/P7K2?trxref=P7K2&reference=P7K2"
    result = await gateway.fetch_payment(replace(LOOKUP, gateway_reference=None))
    assert (result.status, result.amount, result.own_reference) == (COMPLETED, USD, "P7K2")
    assert (result.fee, result.method_detail) == (Money(75, "USD"), "Visa ending 4081")
    assert (await gateway.cancel_payment(LOOKUP)).status is COMPLETED
    assert len(await sandbox.ledger("paystack")) == 1


async def test_declined_may_try_again(gateway: Paystack, page: Page) -> None:
    await page.press("fail")
    result = await gateway.fetch_payment(LOOKUP)
    assert (result.status, result.declined) == (PENDING, True)
    assert result.reason == "declined:insufficient_funds"
    await page.press("approve")
    assert (await gateway.fetch_payment(LOOKUP)).status is COMPLETED


async def test_given_up(sandbox: RunningSandbox, gateway: Paystack, page: Page) -> None:
    assert await page.press("cancel") == "http://portal.test/return/P7K2/cancelled"
    result = await gateway.fetch_payment(LOOKUP)
    assert (result.status, result.declined, result.reason) == (PENDING, False, None)
    with pytest.raises(Unsupported):
        await gateway.cancel_payment(LOOKUP)
    assert await sandbox.ledger("paystack") == []


async def test_slow_bank(gateway: Paystack, page: Page) -> None:
    await page.press("wait")
    assert (await gateway.fetch_payment(LOOKUP)).status is PENDING
    await page.press("arrive")
    assert (await gateway.fetch_payment(LOOKUP)).status is COMPLETED


async def test_answer_that_was_lost_is_found(sandbox: RunningSandbox, gateway: Paystack) -> None:
    with pytest.raises(UnknownPayment):
        await gateway.fetch_payment(LOOKUP)
    await sandbox.fault("paystack", reset={"times": 1, "on_call": "initialize"})
    found = await gateway.create_payment(REQUEST)
    assert (found.status, found.amount) == (PENDING, USD)
    await sandbox.fault("paystack", server_error={"times": 3})
    with pytest.raises(GatewayUnavailable):
        await gateway.fetch_payment(LOOKUP)


async def test_refusals(gateway: Paystack) -> None:
    with pytest.raises(GatewayRejected, match="invalid_email_address"):
        await gateway.create_payment(replace(REQUEST, customer=Customer("Ada", "nowhere")))
    gateway.settings = gateway.settings.model_copy(update={"secret_key": SecretStr("wrong")})
    with pytest.raises(GatewayRejected, match="invalid_key"):
        await gateway.create_payment(REQUEST)


async def test_refund_is_found_on_a_later_page(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await page.press("approve")
    first = RefundRequest("R0", LOOKUP, Money(1, "USD"))
    given = await gateway.refund(first)
    for number in range(1, 101):
        answer = await sandbox.http.post(
            "/paystack/refund",
            json={"transaction": "P7K2", "amount": 1, "merchant_note": f"R{number}"},
            headers={"Authorization": f"Bearer {gateway.settings.secret_key.get_secret_value()}"},
        )
        assert answer.status_code == 200
    assert (await gateway.refund(first)).gateway_reference == given.gateway_reference


async def test_webhook_names_the_payment(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await sandbox.fault("paystack", webhook_duplicate={"times": 1})
    await page.press("approve")
    first, again = await sandbox.receiver.wait_for(2)
    read = [await gateway.parse_webhook(each.headers, each.body) for each in (first, again)]
    assert read[0].event_id == read[1].event_id
    assert (read[0].subject, read[0].reference) == (Subject.PAYMENT, "P7K2")


async def test_refund_webhook_is_a_takeback(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await page.press("approve")
    given = await gateway.refund(RefundRequest("R1", LOOKUP, Money(2000, "USD")))
    read = await events(sandbox, gateway, 3)
    event = read["refund.processed"]
    assert (event.subject, event.reference) == (Subject.REFUND, "P7K2")
    assert event.takeback is not None
    assert event.takeback.gateway_reference == given.gateway_reference
    assert (event.takeback.own_reference, event.takeback.status) == ("R1", COMPLETED)
    assert event.takeback.amount == Money(2000, "USD")
    assert read["refund.pending"].event_id != event.event_id


async def test_refund_by_the_dashboard(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await page.press("approve")
    await page.press("refund")
    event = (await events(sandbox, gateway, 3))["refund.processed"]
    assert event.takeback is not None
    assert (event.takeback.own_reference, event.takeback.amount) == (None, USD)


async def test_lost_dispute_takes_the_money_once(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await page.press("approve")
    await page.press("dispute")
    await page.press("lose")
    read = await events(sandbox, gateway, 5)
    takebacks = [event.takeback for event in read.values() if event.takeback]
    assert len({each.gateway_reference for each in takebacks}) == 1
    assert {each.amount for each in takebacks} == {USD}
    created, resolved = read["charge.dispute.create"], read["charge.dispute.resolve"]
    assert (created.subject, created.reference) == (Subject.DISPUTE, "P7K2")
    assert created.takeback is not None
    assert resolved.takeback is not None
    assert (created.takeback.status, resolved.takeback.status) == (PENDING, COMPLETED)


async def test_won_dispute_releases(sandbox: RunningSandbox, gateway: Paystack, page: Page) -> None:
    await page.press("approve")
    await page.press("dispute")
    await page.press("win")
    event = (await events(sandbox, gateway, 3))["charge.dispute.resolve"]
    assert event.takeback is not None
    assert event.takeback.status is CANCELLED


BODY = (
    b'{"event":"charge.success","data":{"id":4099260516,"domain":"test","status":"success",'
    b'"reference":"PAY-000123","amount":2500000,"message":null,"gateway_response":"Successful",'
    b'"paid_at":"2026-01-15T08:30:00.000Z","channel":"card","currency":"NGN","metadata":'
    b'{"payment_id":"PAY-000123"},"customer":{"email":"ada@example.com"}}}'
)
SIGNATURE = (
    "c488ba0ae2882a98f847f8ee2f3c4179cc9876d481fc5e71582c7b2a3612c8ab"
    "35e99507f2ce1be21111f982e879bfb9ac646f5703f461a84467be07369a73aa"
)


@pytest.fixture
async def live() -> AsyncIterator[Paystack]:
    """A gateway with the worked example's key."""
    client = Client("paystack")
    yield Paystack(PaystackSettings(_env_file=None, secret_key="sk_test_portal_0001"), client)
    await client.aclose()


async def test_worked_signature(live: Paystack) -> None:
    event = await live.parse_webhook({"x-paystack-signature": SIGNATURE}, BODY)
    assert event.event_id == "charge.success:4099260516:success"
    assert (event.subject, event.reference) == (Subject.PAYMENT, "PAY-000123")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY),
        ({"x-paystack-signature": ""}, BODY),
        ({"x-paystack-signature": "é" + SIGNATURE[1:]}, BODY),
        ({"x-paystack-signature": SIGNATURE}, BODY + b"\n"),
        ({"x-paystack-signature": SIGNATURE}, BODY.replace(b"2500000", b"2500001")),
        ({"x-paystack-signature": SIGNATURE}, b""),
    ],
)
async def test_forgeries(live: Paystack, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        await live.parse_webhook(headers, body)


async def test_without_a_key_nothing_verifies() -> None:
    client = Client("paystack")
    gateway = Paystack(PaystackSettings(_env_file=None), client)
    empty = hmac.new(b"", b"", "sha512").hexdigest()
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook({"x-paystack-signature": empty}, b"")
    assert (gateway.offered, gateway.missing_settings()) == (False, ("PAYSTACK_SECRET_KEY",))
    assert gateway.currencies() == {"USD"}
    await client.aclose()


async def test_other_events_are_left_alone(live: Paystack) -> None:
    body = b'{"event":"transfer.success","data":{"id":7,"status":"success"}}'
    signature = hmac.new(b"sk_test_portal_0001", body, "sha512").hexdigest()
    event = await live.parse_webhook({"x-paystack-signature": signature}, body)
    assert event.subject is Subject.OTHER


def data(status: str, **more: object) -> dict[str, object]:
    known = {"reference": "P7K2", "amount": 5000, "currency": "USD"}
    return known | {"status": status, "gateway_response": "Declined"} | more


@pytest.mark.parametrize(
    ("status", "expected", "declined", "reason"),
    [
        ("success", COMPLETED, False, None),
        ("failed", PENDING, True, "declined:declined"),
        ("abandoned", PENDING, False, None),
        ("ongoing", PENDING, False, None),
        ("pending", PENDING, False, None),
        ("processing", PENDING, False, None),
        ("queued", PENDING, False, None),
        ("reversed", CANCELLED, False, "reversed"),
        ("never_heard_of", PENDING, False, "unknown_status"),
    ],
)
def test_statuses(status: str, expected: PaymentStatus, declined: bool, reason: str | None) -> None:
    result = _result(data(status))
    assert (result.status, result.declined, result.reason) == (expected, declined, reason)


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        ("pending", PENDING, None),
        ("processing", PENDING, None),
        ("needs-attention", PENDING, Reason.AWAITING_CONFIRMATION),
        ("processed", COMPLETED, None),
        ("failed", CANCELLED, Reason.FAILED),
        ("never_heard_of", PENDING, None),
    ],
)
def test_refund_statuses(status: str, expected: PaymentStatus, reason: str | None) -> None:
    result = _refund_result(data(status, id=7))
    assert (result.status, result.reason) == (expected, reason)


@pytest.mark.parametrize(
    ("status", "resolution", "expected"),
    [
        ("awaiting-merchant-feedback", None, PENDING),
        ("awaiting-bank-feedback", None, PENDING),
        ("pending", None, PENDING),
        ("resolved", "merchant-accepted", COMPLETED),
        ("resolved", "auto-accepted", COMPLETED),
        ("resolved", "declined", CANCELLED),
        ("resolved", "never-heard-of", PENDING),
    ],
)
def test_dispute_statuses(status: str, resolution: str | None, expected: PaymentStatus) -> None:
    transaction = {"reference": "P7K2", "amount": 5000, "currency": "USD"}
    takeback = _disputed(
        {"id": 9, "status": status, "resolution": resolution, "transaction": transaction}
    )
    assert takeback is not None
    assert (takeback.status, takeback.amount) == (expected, USD)


def test_the_tables_above_are_complete() -> None:
    assert len(STATUSES) == 8 + 5 + 3 + 3


@pytest.mark.parametrize("amount", [None, "", "12.5", "1e5", "NaN", [], True])
def test_amounts_that_cannot_be_read(amount: object) -> None:
    assert _money(amount, "USD") is None


async def test_unknown_status_is_pending_and_logged(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await sandbox.fault("paystack", unknown_status={"times": 1})
    await page.press("approve")
    with capture_logs() as logs:
        assert (await gateway.fetch_payment(LOOKUP)).status is PENDING
    assert [each["status"] for each in logs] == ["sandbox_unknown"]


async def test_wrong_amount_is_reported_as_it_is(
    sandbox: RunningSandbox, gateway: Paystack, page: Page
) -> None:
    await sandbox.fault("paystack", wrong_amount={"value": -1}, wrong_currency={})
    await page.press("approve")
    result = await gateway.fetch_payment(LOOKUP)
    assert (result.status, result.amount) == (COMPLETED, Money(4999, "EUR"))


async def test_raw_is_scrubbed(gateway: Paystack, page: Page) -> None:
    await page.press("approve")
    with capture_logs() as logs:
        result = await gateway.fetch_payment(LOOKUP)
    text = json.dumps(result.raw) + str(logs) + repr(gateway.settings)
    for secret in ("ada@example.com", "AUTH_", "408408", "192.0.2.1", "sk_test"):
        assert secret not in text


async def rows(portal: Portal) -> list[tuple[str, str, int]]:
    async with portal.db.read() as session:
        assert await ledger.wrong_balances(session) == []
        found = (await session.execute(select(Payment).order_by(col(Payment.id)))).scalars()
        return [(each.kind, each.status, each.amount) for each in found]


async def test_portal_takes_back_once_what_a_dispute_takes(
    sandbox: RunningSandbox, gateway: Paystack, portal: Portal
) -> None:
    portal = replace(portal, gateways={"paystack": gateway})
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    who = identity_of(user, account)
    started = await checkout.start(portal, who, TopUp("paystack", USD, "key"))
    page = Page(sandbox, started.next_action.url)
    await page.press("approve")
    await take_in(portal, await sandbox.receiver.wait_for(1))
    part = Money(1000, "USD")
    await refunds.refund(portal, started.reference, part, key="r", actor="staff", user_id=user.id)
    await page.press("dispute")
    await page.press("lose")
    for _ in range(2):
        await take_in(portal, await sandbox.receiver.wait_for(7))
    assert await rows(portal) == [
        ("top_up", "completed", 5000),
        ("refund", "completed", -1000),
        ("chargeback", "completed", -4000),
    ]
