"""PayPal, against its twin over real HTTP; signatures against a worked example."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
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
from payments_app.gateways.paypal import STATUSES, PayPal, _result
from payments_app.gateways.paypal_api import PayPalSettings
from payments_app.sandbox.app import issued_settings
from payments_app.sandbox.paypal import sign
from payments_app.services import checkout, refunds
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from tests.gateways.contract import CANCELLED, COMPLETED, PENDING, GatewayContract
from tests.support.factories import identity_of, make_account, make_user
from tests.support.sandbox import RunningSandbox
from tests.support.webhooks import take_in

USD = Money(5000, "USD")


class TestContract(GatewayContract):
    kind = PayPal
    creating = "/v2/checkout/orders"
    page_size = "payments_app.gateways.paypal_report._PAGE"
    probed_by = "client_secret"
    secrets = ("client_secret",)

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await press(sandbox, created, "approve")

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await press(sandbox, created, "decline")

    async def test_forged_and_cut_webhooks_are_refused(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        """As in the contract, for a provider that tells of one payment three times."""
        await sandbox.fault("paypal", webhook_forge={"times": 1}, webhook_truncate={"times": 2})
        await self.pay(sandbox, gateway)
        forged, cut, good = await sandbox.receiver.wait_for(3)
        for spoiled in (forged, cut):
            with pytest.raises(InvalidSignature):
                await gateway.parse_webhook(spoiled.headers, spoiled.body)
        assert await gateway.parse_webhook(good.headers, good.body)


REQUEST = PaymentRequest(
    reference="P7K2",
    charge=USD,
    description="Top-up",
    customer=Customer("Ada Byron", "ada@example.com"),
    return_url="http://portal.test/return/P7K2",
    cancel_url="http://portal.test/return/P7K2/cancelled",
    webhook_url="http://portal.test/webhooks/paypal",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)


@pytest.fixture
async def gateway(sandbox: RunningSandbox) -> AsyncIterator[PayPal]:
    issued = issued_settings(sandbox.origin)
    names = ("client_id", "client_secret", "webhook_id", "api_base")
    keys = {name: issued[f"PAYPAL_{name.upper()}"] for name in names}
    client = Client("paypal")
    yield PayPal(PayPalSettings(_env_file=None, **keys), client)
    await client.aclose()


def lookup(result: PaymentResult) -> PaymentLookup:
    return PaymentLookup(
        reference="P7K2",
        gateway_reference=result.gateway_reference,
        charge=USD,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def press(sandbox: RunningSandbox, result: PaymentResult, button: str) -> str:
    """Press a button of the hosted page and return where the browser is sent."""
    url = f"/paypal/checkoutnow/{result.gateway_reference}/{button}"
    answer = await sandbox.http.post(url)
    assert answer.status_code == 303
    return answer.headers["location"]


async def paid(sandbox: RunningSandbox, gateway: PayPal) -> PaymentResult:
    created = await gateway.create_payment(REQUEST)
    await press(sandbox, created, "approve")
    return await gateway.capture_payment(lookup(created))


async def events(sandbox: RunningSandbox, gateway: PayPal, count: int) -> dict[str, GatewayEvent]:
    deliveries = await sandbox.receiver.wait_for(count)
    read = [await gateway.parse_webhook(each.headers, each.body) for each in deliveries]
    return {event.kind: event for event in read}


async def test_creates_an_order(sandbox: RunningSandbox, gateway: PayPal) -> None:
    result = await gateway.create_payment(REQUEST)
    assert (result.status, result.amount, result.own_reference) == (PENDING, USD, "P7K2")
    assert isinstance(result.next_action, Redirect)
    page = await sandbox.http.get(result.next_action.url)
    assert "50.00" in page.text
    assert not result.capturable
    again = await gateway.create_payment(REQUEST)
    assert again.gateway_reference == result.gateway_reference


async def test_captures_what_was_approved(sandbox: RunningSandbox, gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    back = await press(sandbox, created, "approve")
    assert back.startswith("http://portal.test/return/P7K2?token=")
    approved = await gateway.fetch_payment(lookup(created))
    assert (approved.status, approved.capturable) == (PENDING, True)
    results = [await gateway.capture_payment(lookup(created)) for _ in range(2)]
    results.append(await gateway.fetch_payment(lookup(created)))
    for result in results:
        assert (result.status, result.amount, result.own_reference) == (COMPLETED, USD, "P7K2")
        assert result.fee == Money(223, "USD")
    assert len(await sandbox.ledger("paypal")) == 1


async def test_capture_that_raced_is_read(sandbox: RunningSandbox, gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    await press(sandbox, created, "approve")
    await gateway.capture_payment(lookup(created))
    other = replace(lookup(created), reference="OTHERKEY")
    assert (await gateway.capture_payment(other)).status is COMPLETED
    assert len(await sandbox.ledger("paypal")) == 1


async def test_not_approved_is_not_captured(sandbox: RunningSandbox, gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    result = await gateway.capture_payment(lookup(created))
    assert (result.status, result.declined) == (PENDING, False)
    assert await sandbox.ledger("paypal") == []


async def test_declined_instrument_sends_the_customer_back(
    sandbox: RunningSandbox, gateway: PayPal
) -> None:
    created = await gateway.create_payment(REQUEST)
    await press(sandbox, created, "decline")
    result = await gateway.capture_payment(lookup(created))
    assert (result.status, result.declined, result.capturable) == (PENDING, False, False)
    assert result.reason == "declined:instrument_declined"
    assert result.next_action == created.next_action
    await press(sandbox, created, "approve")
    assert (await gateway.capture_payment(lookup(created))).status is COMPLETED


async def test_review_decides_later(sandbox: RunningSandbox, gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    await press(sandbox, created, "review")
    held = await gateway.capture_payment(lookup(created))
    assert (held.status, held.reason, held.capturable) == (PENDING, Reason.PROVIDER_REVIEW, False)
    assert (await gateway.cancel_payment(lookup(created))).status is PENDING
    await press(sandbox, created, "accept")
    assert (await gateway.fetch_payment(lookup(created))).status is COMPLETED


async def test_review_may_end_without_money(sandbox: RunningSandbox, gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    await press(sandbox, created, "review")
    await gateway.capture_payment(lookup(created))
    await press(sandbox, created, "deny")
    result = await gateway.fetch_payment(lookup(created))
    assert (result.status, result.reason) == (CANCELLED, "declined:other")
    assert await sandbox.ledger("paypal") == []


async def test_cancels_what_has_no_capture(sandbox: RunningSandbox, gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    await press(sandbox, created, "approve")
    cancelled = await gateway.cancel_payment(lookup(created))
    assert (cancelled.status, cancelled.capturable) == (CANCELLED, False)
    assert (await paid(sandbox, gateway)).status is COMPLETED
    assert (await gateway.cancel_payment(lookup(created))).status is COMPLETED


async def test_finds_orders_by_their_id_only(gateway: PayPal) -> None:
    nowhere = PaymentLookup("P7K2", None, USD, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(Unsupported):
        await gateway.fetch_payment(nowhere)
    with pytest.raises(UnknownPayment):
        await gateway.fetch_payment(replace(nowhere, gateway_reference="NOSUCHORDER"))


async def test_creation_whose_answer_was_lost_is_found(
    sandbox: RunningSandbox, gateway: PayPal
) -> None:
    await sandbox.fault("paypal", reset={"times": 3, "on_call": "checkout/orders"})
    with pytest.raises(GatewayUnavailable):
        await gateway.create_payment(REQUEST)
    found = await gateway.create_payment(REQUEST)
    assert isinstance(found.next_action, Redirect)
    page = await sandbox.http.get("/?gateway=paypal")
    assert page.text.count("order ") >= 1


async def test_one_token_for_all_and_a_new_one_when_refused(
    sandbox: RunningSandbox, gateway: PayPal
) -> None:
    async def tokens() -> int:
        async with sandbox.sandbox.providers["paypal"].transaction() as tx:
            return len(await tx.find("token"))

    requests = [replace(REQUEST, reference=f"P{number}") for number in range(8)]
    await asyncio.gather(*(gateway.create_payment(request) for request in requests))
    assert await tokens() == 1
    await sandbox.sandbox.store.wipe()
    assert (await gateway.create_payment(REQUEST)).status is PENDING
    assert await tokens() == 1


async def test_wrong_keys_are_refused(gateway: PayPal) -> None:
    gateway.api.settings = gateway.settings.model_copy(update={"client_secret": SecretStr("wrong")})
    with pytest.raises(GatewayRejected, match="invalid_client"):
        await gateway.create_payment(REQUEST)


@pytest.mark.parametrize(
    ("money", "written"),
    [
        (Money(5000, "USD"), "50.00"),
        (Money(5, "GBP"), "0.05"),
        (Money(1500, "JPY"), "1500"),
        (Money(150000, "HUF"), "1500"),
        (Money(150000, "TWD"), "1500"),
    ],
)
async def test_writes_and_reads_each_currency(gateway: PayPal, money: Money, written: str) -> None:
    result = await gateway.create_payment(replace(REQUEST, charge=money))
    assert result.raw["purchase_units"][0]["amount"]["value"] == written
    assert result.amount == money


async def test_refuses_fractions_that_paypal_does_not_know(gateway: PayPal) -> None:
    with pytest.raises(GatewayRejected, match="DECIMALS_NOT_SUPPORTED"):
        await gateway.create_payment(replace(REQUEST, charge=Money(150050, "HUF")))


async def test_refunds_in_parts(sandbox: RunningSandbox, gateway: PayPal) -> None:
    payment = await paid(sandbox, gateway)
    first = RefundRequest("R1", lookup(payment), Money(2000, "USD"), "Sorry")
    for _ in range(2):
        given = await gateway.refund(first)
        assert (given.status, given.amount) == (COMPLETED, Money(2000, "USD"))
    assert given.gateway_reference
    assert (await gateway.fetch_refund(first, given.gateway_reference)).status is COMPLETED
    assert (await gateway.fetch_payment(lookup(payment))).status is COMPLETED
    with pytest.raises(GatewayRejected, match="REFUND_AMOUNT_EXCEEDED"):
        await gateway.refund(replace(first, reference="R2", amount=Money(3001, "USD")))
    await gateway.refund(replace(first, reference="R3", amount=Money(3000, "USD"), note=""))
    refunds = [entry["amount"] for entry in await sandbox.ledger("paypal")][1:]
    assert refunds == [2000, 3000]


async def test_nothing_to_refund(gateway: PayPal) -> None:
    created = await gateway.create_payment(REQUEST)
    with pytest.raises(GatewayRejected, match="ORDER_NOT_CAPTURED"):
        await gateway.refund(RefundRequest("R1", lookup(created), USD))


async def test_webhooks_name_the_payment(sandbox: RunningSandbox, gateway: PayPal) -> None:
    payment = await paid(sandbox, gateway)
    read = await events(sandbox, gateway, 3)
    assert set(read) == {
        "CHECKOUT.ORDER.APPROVED",
        "CHECKOUT.ORDER.COMPLETED",
        "PAYMENT.CAPTURE.COMPLETED",
    }
    for event in read.values():
        assert event.subject is Subject.PAYMENT
        assert (event.reference, event.gateway_reference) == ("P7K2", payment.gateway_reference)


async def test_refund_webhook_is_a_takeback(sandbox: RunningSandbox, gateway: PayPal) -> None:
    payment = await paid(sandbox, gateway)
    given = await gateway.refund(RefundRequest("R1", lookup(payment), Money(2000, "USD")))
    event = (await events(sandbox, gateway, 4))["PAYMENT.CAPTURE.REFUNDED"]
    assert (event.subject, event.reference) == (Subject.REFUND, "P7K2")
    assert event.takeback is not None
    assert event.takeback.gateway_reference == given.gateway_reference
    assert (event.takeback.own_reference, event.takeback.status) == ("R1", COMPLETED)
    assert event.takeback.amount == Money(2000, "USD")


async def test_lost_dispute_takes_the_money_once(sandbox: RunningSandbox, gateway: PayPal) -> None:
    payment = await paid(sandbox, gateway)
    await press(sandbox, payment, "dispute")
    await press(sandbox, payment, "lose")
    read = await events(sandbox, gateway, 6)
    created, resolved, reversed_ = (
        read[kind].takeback
        for kind in (
            "CUSTOMER.DISPUTE.CREATED",
            "CUSTOMER.DISPUTE.RESOLVED",
            "PAYMENT.CAPTURE.REVERSED",
        )
    )
    assert created
    assert resolved
    assert reversed_
    assert (created.status, resolved.status, reversed_.status) == (PENDING, COMPLETED, COMPLETED)
    assert len({each.gateway_reference for each in (created, resolved, reversed_)}) == 1
    assert {each.amount for each in (created, resolved, reversed_)} == {USD}
    assert all(event.reference == "P7K2" for event in read.values())


async def test_won_dispute_releases(sandbox: RunningSandbox, gateway: PayPal) -> None:
    payment = await paid(sandbox, gateway)
    await press(sandbox, payment, "dispute")
    await press(sandbox, payment, "win")
    event = (await events(sandbox, gateway, 5))["CUSTOMER.DISPUTE.RESOLVED"]
    assert event.subject is Subject.DISPUTE
    assert event.takeback is not None
    assert event.takeback.status is CANCELLED


async def test_dispute_of_something_else_is_left_alone(
    sandbox: RunningSandbox, gateway: PayPal
) -> None:
    dispute = {
        "status": "OPEN",
        "dispute_amount": {"currency_code": "USD", "value": "1.00"},
        "disputed_transactions": [{"seller_transaction_id": "ELSEWHERE"}],
    }
    event = {"id": "WH-1", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": dispute}
    signed = await sign(sandbox.sandbox.providers["paypal"], event)
    headers = {name.lower(): text for name, text in signed.headers.items()}
    assert (await gateway.parse_webhook(headers, signed.body)).subject is Subject.OTHER


BODY = (
    b'{"id":"WH-PORTALTEST0001-0000000000000001","event_version":"1.0","create_time":'
    b'"2026-01-15T08:30:00.000Z","resource_type":"capture","resource_version":"2.0","event_type":'
    b'"PAYMENT.CAPTURE.COMPLETED","summary":"Payment completed for PHP 1500.00","resource":{"id":'
    b'"CAPTEST0000000001","status":"COMPLETED","amount":{"currency_code":"PHP","value":"1500.00"},'
    b'"final_capture":true,"custom_id":"PAY-000123","supplementary_data":{"related_ids":{"order_id"'
    b':"ORDTEST0000000001"}}},"links":[]}'
)
CERTIFICATE = b"""-----BEGIN CERTIFICATE-----
MIIC/jCCAeagAwIBAgICA+kwDQYJKoZIhvcNAQELBQAwQTEkMCIGA1UEAwwbcGF5
cGFsLXdlYmhvb2stdGVzdC5pbnZhbGlkMRkwFwYDVQQKDBBQb3J0YWwgdGVzdCBv
bmx5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjBBMSQwIgYDVQQD
DBtwYXlwYWwtd2ViaG9vay10ZXN0LmludmFsaWQxGTAXBgNVBAoMEFBvcnRhbCB0
ZXN0IG9ubHkwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCxCvGfxfMW
MFa46vFVLEk1QG3LkWEG/02XG6j3zXzc1bNvzD/+OeXOQya+9LcLOslPOVm//sjU
UA+QVWO6mlObvwEuDi2V8plKv0nsM/MwCGtMTo5uH5DiLyHFQRqh4N6YR7hL4P+v
uAHktnQdM+JzBy4S8FmeCIbbRSvTiNjU0xuGxhgW9XMyTY9gfGVrAIKlvy2Ya3c4
q2aaggTL5hl3EXGJg2SD8n3gbZEJvwlFFTDyqSDobw4VTT6aBqQ1MeFadq8nJkGp
bTrI0q6XzfKnhdaCyAYxLHPBBy+sAbQSN/9ZuRL40ipDaZCUHFNfqosZap+C9BGd
/p+FehS94mSfAgMBAAEwDQYJKoZIhvcNAQELBQADggEBABntWDgqGfDw9QgRaz12
2Wldskrdq7kiLc8W55jYTF5b2a0wDdXwa4wZlG4g0zqm1+kJ5CedC7qJGlzWttQk
Fly84IYfoQf26s2OLo7WcV4wG8/rO6N5BAP/Doj0uk8VvY1PJAGNR5KHCzpep1iU
oMo1QdwCLoPkeIKhObZSriBhjV0BZ5zLWeoO0rUuMv5GpTLSYTqEgeQVz47qj85P
+IsW2Kte+mSy6A+UK8Ulb2tzLrNhHfuIYx625sQJejdTj8XjQj4jgPcb9x9f+ArR
Gzbwf7KxVYqqL70ZxmR2nkn3FOKE6Wj4h/aGBQn4mCVeg79NYQHyd5IqYuT84x6w
2z0=
-----END CERTIFICATE-----
"""
HEADERS = {
    "paypal-transmission-id": "aaaaaaaa-0000-11f0-8000-000000000001",
    "paypal-transmission-time": "2026-01-15T08:30:02Z",
    "paypal-transmission-sig": (
        "dnrS/H9rgOoirM2H0eoKjC7oNA5mx9G9DeJKiz5ECjfitMqf2kqCCx5Llfc6aljrZNBV3laK/Oau+nooRza4MF917YAI"
        "frhw690rYRU8ykBUvzLH0wcm10hKTQ9RWVEln+zuYGzSGiyoQ3A/yEfkd14tj6Q5NkideNOq7xRs1t/+a9zGZX0Fmnsc"
        "dqdRnlCa8atVRr7Hh+KiU/ICVjQAVVorgiC65UsG3gq3h653hvYTzoUWcf6Ug2R3TVximOqcAOTkbZ1KWcWSBLzyUO+s"
        "e2psa1sxY9mwMuuj28f/VlkPOLu0cU1TsCWKZQFZ1b/d9DMpVAHZg4TpH2tJ8G0JRQ=="
    ),
    "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "paypal-auth-algo": "SHA256withRSA",
}


@pytest.fixture
async def live() -> AsyncIterator[PayPal]:
    """A gateway as in live mode that has seen the worked example's certificate."""
    client = Client("paypal")
    keys = {"client_id": "c", "client_secret": "s", "webhook_id": "WHIDTEST000000001"}
    gateway = PayPal(PayPalSettings(_env_file=None, **keys), client)
    key = x509.load_pem_x509_certificate(CERTIFICATE).public_key()
    gateway.api.certificates[HEADERS["paypal-cert-url"]] = key
    yield gateway
    await client.aclose()


async def test_worked_signature(live: PayPal) -> None:
    event = await live.parse_webhook(HEADERS, BODY)
    assert event.event_id == "WH-PORTALTEST0001-0000000000000001"
    assert (event.reference, event.gateway_reference) == ("PAY-000123", "ORDTEST0000000001")


@pytest.mark.parametrize("name", HEADERS)
async def test_each_header_is_needed(live: PayPal, name: str) -> None:
    for spoiled in ({**HEADERS, name: "x"}, {k: v for k, v in HEADERS.items() if k != name}):
        with pytest.raises(InvalidSignature):
            await live.parse_webhook(spoiled, BODY)


async def test_each_byte_counts(live: PayPal) -> None:
    for body in (b"", BODY + b"\n", BODY.replace(b"1500.00", b"1500.01"), BODY[:200]):
        with pytest.raises(InvalidSignature):
            await live.parse_webhook(HEADERS, body)


async def test_without_a_webhook_id_nothing_verifies(live: PayPal) -> None:
    live.api.settings = live.settings.model_copy(update={"webhook_id": ""})
    with pytest.raises(InvalidSignature):
        await live.parse_webhook(HEADERS, BODY)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.paypal.com/cert",
        "https://api.paypal.com:8443/cert",
        "https://paypal.com.evil.test/cert",
        "https://evilpaypal.com/cert",
        "https://api.paypal.com@evil.test/cert",
        "https://evil.test/cert#.paypal.com",
        "https://evil.test\\.paypal.com/cert",
        "file:///etc/passwd",
        "https://[",
        "",
    ],
)
async def test_certificates_come_from_paypal_only(live: PayPal, address: str) -> None:
    with pytest.raises(InvalidSignature, match="foreign host"):
        await live.parse_webhook({**HEADERS, "paypal-cert-url": address}, BODY)


async def test_certificate_is_fetched_once(sandbox: RunningSandbox, gateway: PayPal) -> None:
    await paid(sandbox, gateway)
    await events(sandbox, gateway, 3)
    assert len(gateway.api.certificates) == 1
    missing = f"{gateway.settings.api_base}/v1/notifications/certs/NONE"
    delivery = sandbox.receiver.deliveries[0]
    with pytest.raises(InvalidSignature, match="no certificate"):
        await gateway.parse_webhook(delivery.headers | {"paypal-cert-url": missing}, delivery.body)


def order(status: str, capture: str | None = None, why: str | None = None) -> dict[str, object]:
    money = {"currency_code": "USD", "value": "50.00"}
    unit: dict[str, object] = {"custom_id": "P7K2", "amount": money}
    if capture:
        details = {"status_details": {"reason": why}} if why else {}
        unit["payments"] = {
            "captures": [{"id": "C1", "status": capture, "amount": money} | details]
        }
    return {"id": "O1", "status": status, "purchase_units": [unit], "links": []}


@pytest.mark.parametrize(
    ("status", "expected", "capturable"),
    [
        ("CREATED", PENDING, False),
        ("SAVED", PENDING, False),
        ("PAYER_ACTION_REQUIRED", PENDING, False),
        ("APPROVED", PENDING, True),
        ("COMPLETED", PENDING, False),
        ("VOIDED", CANCELLED, False),
        ("NEVER_HEARD_OF", PENDING, False),
    ],
)
def test_order_statuses(status: str, expected: PaymentStatus, capturable: bool) -> None:
    result = _result(order(status))
    assert (result.status, result.capturable) == (expected, capturable)


@pytest.mark.parametrize(
    ("status", "why", "expected", "reason"),
    [
        ("COMPLETED", None, COMPLETED, None),
        ("PARTIALLY_REFUNDED", None, COMPLETED, None),
        ("REFUNDED", None, CANCELLED, "reversed"),
        ("DECLINED", None, CANCELLED, "declined:declined"),
        ("FAILED", "OTHER", CANCELLED, "declined:other"),
        ("NEVER_HEARD_OF", None, PENDING, "unknown_status"),
        ("PENDING", None, PENDING, "provider_review"),
        ("PENDING", "BUYER_COMPLAINT", PENDING, "provider_review"),
        ("PENDING", "CHARGEBACK", PENDING, "provider_review"),
        ("PENDING", "ECHECK", PENDING, "provider_review"),
        ("PENDING", "INTERNATIONAL_WITHDRAWAL", PENDING, "awaiting_confirmation"),
        ("PENDING", "OTHER", PENDING, "provider_review"),
        ("PENDING", "PENDING_REVIEW", PENDING, "provider_review"),
        (
            "PENDING",
            "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
            PENDING,
            "awaiting_confirmation",
        ),
        ("PENDING", "REFUNDED", PENDING, "provider_review"),
        ("PENDING", "TRANSACTION_APPROVED_AWAITING_FUNDING", PENDING, "provider_review"),
        ("PENDING", "UNILATERAL", PENDING, "awaiting_confirmation"),
        ("PENDING", "VERIFICATION_REQUIRED", PENDING, "awaiting_confirmation"),
    ],
)
def test_capture_decides(
    status: str, why: str | None, expected: PaymentStatus, reason: str | None
) -> None:
    result = _result(order("COMPLETED", status, why))
    assert (result.status, result.reason, result.amount) == (expected, reason, USD)


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("refund", "COMPLETED PENDING CANCELLED FAILED"),
        (
            "dispute",
            "OPEN WAITING_FOR_BUYER_RESPONSE WAITING_FOR_SELLER_RESPONSE UNDER_REVIEW OTHER",
        ),
        (
            "outcome",
            "RESOLVED_BUYER_FAVOUR RESOLVED_SELLER_FAVOUR RESOLVED_WITH_PAYOUT CANCELED_BY_BUYER "
            "ACCEPTED DENIED NONE",
        ),
    ],
)
def test_other_statuses_have_their_row(kind: str, statuses: str) -> None:
    assert {name for of, name in STATUSES if of == kind} == set(statuses.split())


async def test_unknown_status_is_pending_and_logged(
    sandbox: RunningSandbox, gateway: PayPal
) -> None:
    await sandbox.fault("paypal", unknown_status={"times": 1})
    with capture_logs() as logs:
        result = await paid(sandbox, gateway)
    assert result.status is PENDING
    assert [each["status"] for each in logs if each["event"] == "unknown_status"] == [
        "sandbox_unknown"
    ]


async def test_wrong_amount_is_reported_as_it_is(sandbox: RunningSandbox, gateway: PayPal) -> None:
    await sandbox.fault("paypal", wrong_amount={"value": -1}, wrong_currency={})
    result = await paid(sandbox, gateway)
    assert (result.status, result.amount) == (COMPLETED, Money(4999, "EUR"))


async def test_raw_is_scrubbed(sandbox: RunningSandbox, gateway: PayPal) -> None:
    with capture_logs() as logs:
        result = await paid(sandbox, gateway)
    text = json.dumps(result.raw) + str(logs) + repr(gateway.settings)
    for secret in ("ada.sandbox", "Ada", "sandbox_client_secret", "A21AA"):
        assert secret not in text


async def test_needs_its_keys() -> None:
    client = Client("paypal")
    gateway = PayPal(PayPalSettings(_env_file=None), client)
    assert not gateway.offered
    assert gateway.missing_settings() == (
        "PAYPAL_CLIENT_ID",
        "PAYPAL_CLIENT_SECRET",
        "PAYPAL_WEBHOOK_ID",
    )
    assert gateway.currencies() == {"USD", "GBP"}
    await client.aclose()


async def rows(portal: Portal) -> list[tuple[str, str, int]]:
    async with portal.db.read() as session:
        assert await ledger.wrong_balances(session) == []
        found = (await session.execute(select(Payment).order_by(col(Payment.id)))).scalars()
        return [(each.kind, each.status, each.amount) for each in found]


async def test_portal_captures_when_only_the_webhook_comes(
    sandbox: RunningSandbox, gateway: PayPal, portal: Portal
) -> None:
    portal = replace(portal, gateways={"paypal": gateway})
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    who = identity_of(user, account)
    started = await checkout.start(portal, who, TopUp("paypal", USD, "key"))
    order = PaymentResult(PENDING, started.next_action.url.rpartition("=")[2])
    await press(sandbox, order, "decline")
    await take_in(portal, await sandbox.receiver.wait_for(1))
    again = await checkout.progress(portal, who, started.reference)
    assert (again.status, again.next_action) == (PENDING, started.next_action)
    await press(sandbox, order, "approve")
    await take_in(portal, await sandbox.receiver.wait_for(2))
    assert await rows(portal) == [("top_up", "completed", 5000)]
    await take_in(portal, await sandbox.receiver.wait_for(4))
    part = Money(1000, "USD")
    await refunds.refund(portal, started.reference, part, key="r", actor="staff", user_id=user.id)
    await press(sandbox, order, "dispute")
    await press(sandbox, order, "lose")
    for _ in range(2):
        await take_in(portal, await sandbox.receiver.wait_for(8))
    assert await rows(portal) == [
        ("top_up", "completed", 5000),
        ("refund", "completed", -1000),
        ("chargeback", "completed", -4000),
    ]


async def test_lists_payments_but_no_refunds_over_more_than_31_days(
    sandbox: RunningSandbox, gateway: PayPal
) -> None:
    result = await paid(sandbox, gateway)
    request = RefundRequest("R7K2", lookup(result), Money(1000, "USD"))
    await gateway.refund(request)
    now = datetime.now(UTC)
    span = now - timedelta(days=80), now + timedelta(minutes=1)
    (listed,) = [each async for each in gateway.list_payments(*span)]
    assert (listed.result.own_reference, listed.result.fee) == ("P7K2", result.fee)
    assert listed.result.gateway_reference == result.gateway_reference
