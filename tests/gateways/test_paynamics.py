"""Paynamics, against its twin over real HTTP; signatures against worked examples."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from payments_app.domain.money import Money
from payments_app.domain.payment import Reason
from payments_app.gateways.base import (
    Customer,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    ShowInstructions,
)
from payments_app.gateways.errors import GatewayRejected, InvalidSignature
from payments_app.gateways.http import Client
from payments_app.gateways.paynamics import CODES, Paynamics
from payments_app.gateways.paynamics_api import PaynamicsSettings
from payments_app.gateways.paynamics_channels import CHANNELS, COUNTER_METHODS, USUAL
from payments_app.gateways.paynamics_signature import (
    CANCEL,
    CUSTOMER,
    NOTIFICATION,
    QUERY,
    TRANSACTION,
    read_notification,
    sign,
)
from payments_app.sandbox.app import issued_settings
from tests.gateways.contract import CANCELLED, COMPLETED, PENDING, GatewayContract
from tests.support.sandbox import RunningSandbox

PHP = Money(150_000, "PHP")
MERCHANT, KEY = "000000011115TESTMERCH", "1A2B3C4D5E6F7890TESTKEYTESTKEY00"
REFERENCE = "PAY000123A1"
NOTIFIED_AT = "https://portal.example/webhooks/paynamics"
BACK_AT = "https://portal.example/pay/return?ref=PAY000123A1"
APPROVED = {
    "merchant_id": MERCHANT,
    "request_id": REFERENCE,
    "response_id": "99000000000000001",
    "response_code": "GR001",
    "response_message": "Transaction Successful",
    "response_advise": "Transaction is approved",
    "timestamp": "2026-01-15T16:30:00.000+08:00",
    "pchannel": "gc",
    "processor_response_id": "700000001",
    "signature": "cbebfc6e0fbb571b94d356937c7d9bba6a65a113fe8489502e3c6718a32ef223"
    "f292518c4a45c21a116b37ac12a46fad353a5d6aa7a948c2489b40196f15f3b8",
}
WORKED = {
    "transaction": (
        TRANSACTION,
        {
            "request_id": REFERENCE,
            "notification_url": NOTIFIED_AT,
            "response_url": BACK_AT,
            "cancel_url": "https://portal.example/pay/cancel?ref=PAY000123A1",
            "pmethod": "wallet",
            "pchannel": "gc",
            "payment_action": "url_link",
            "collection_method": "single_pay",
            "amount": "1500.00",
            "currency": "PHP",
            "descriptor_note": "Invoice 42",
            "payment_notification_status": "1",
            "payment_notification_channel": "1",
            "expiry_limit": "not signed",
            "trx_type": "sale",
        },
        "7a7c75b1c10625842b808a446099844a140c51c34b014f09348a5b93044d9fea"
        "d639fd1eff62a5a8ac80b769487ffea30fdb1c26f4f06656ed4c6ca741a1063c",
    ),
    "query": (
        QUERY,
        {"request_id": "PAY000123A1Q1", "org_trxid": "", "org_trxid2": REFERENCE},
        "12675ac6e50c3cd0480b5b706d5d512a51ea8539f6f811950bd7c13078182cb6"
        "6f58d123478af1c4b5a6e1f95e22e5547d6e8b02773eed510a2f6e3cf1a41de2",
    ),
    "cancel": (
        CANCEL,
        {
            "request_id": "PAY000123A1C1",
            "org_request_id": REFERENCE,
            "ip_address": "203.0.113.7",
            "notification_url": NOTIFIED_AT,
            "response_url": BACK_AT,
        },
        "b76293fc4f027012b5dd4e4fb27a38275742d16b5a86db36d65de0ae5c8b0ceb"
        "fecd6f3faf2b864d0aa2660edefb7f23d9adafe1bb77a4a76d44b8364cd2c983",
    ),
    "approved": (NOTIFICATION, APPROVED, APPROVED["signature"]),
    "pending": (
        NOTIFICATION,
        {
            "request_id": REFERENCE,
            "response_id": "99000000000000001",
            "response_code": "GR033",
            "response_message": "Transaction Pending",
            "response_advise": "Transaction is pending",
            "timestamp": "2026-01-15T16:25:00.000+08:00",
        },
        "26f5e73f08dc4a5b021eee0f0a2ee8d9ec701c110eee5a48c7e247625800e221"
        "8995436b874b65f0e2307762ba55c4292b57eba1149e74ac2060b03b603fb0a5",
    ),
}


def keys(sandbox: RunningSandbox) -> dict[str, str]:
    issued = issued_settings(sandbox.origin)
    names = ("merchant_id", "merchant_key", "username", "password", "api_base")
    return {name: issued[f"PAYNAMICS_{name.upper()}"] for name in names}


def connect(**given: Any) -> Paynamics:
    return Paynamics(PaynamicsSettings(_env_file=None, **given), Client("paynamics"))


@pytest.fixture
async def gateway(sandbox: RunningSandbox) -> AsyncIterator[Paynamics]:
    gateway = connect(**keys(sandbox))
    yield gateway
    await gateway.aclose()


def request(sandbox: RunningSandbox, **changes: Any) -> PaymentRequest:
    asked = PaymentRequest(
        reference="P0123456789ABCDEFGHJ",
        charge=PHP,
        description="Top-up for Café Zoë and more",
        customer=Customer("Juan Dela Cruz", "juan@example.com"),
        return_url="http://portal.test/return/P0",
        cancel_url="http://portal.test/return/P0/cancelled",
        webhook_url=f"{sandbox.receiver.url}/webhooks/paynamics",
        expires_at=datetime.now(UTC) + timedelta(days=3),
        channel="gc",
    )
    return replace(asked, **changes)


def lookup(asked: PaymentRequest) -> PaymentLookup:
    return PaymentLookup(
        asked.reference, asked.reference, asked.charge, datetime.now(UTC), asked.channel
    )


async def press(sandbox: RunningSandbox, reference: str | None, button: str) -> str:
    """Press a button on the transaction's page; return where the browser is sent."""
    page = await sandbox.http.get(f"/paynamics/pay/{reference}")
    action = f"/paynamics/pay/{reference}/{button}"
    assert action in page.text
    answer = await sandbox.http.post(action)
    assert answer.status_code == 303
    return answer.headers["location"]


class TestContract(GatewayContract):
    kind = Paynamics
    charge = PHP
    channel = "gc"
    creating = "POST /sandbox/paynamics/paygate/transactions/"
    probed_by = "password"
    secrets = ("merchant_key", "username", "password")
    refunds = False

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        """Pay; a page that was paid already has no button any more."""
        answer = await sandbox.http.post(f"/paynamics/pay/{created.gateway_reference}/approve")
        assert answer.status_code in (303, 409)

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await press(sandbox, created.gateway_reference, "fail")


# Signatures


@pytest.mark.parametrize("what", WORKED)
def test_the_worked_signatures(what: str) -> None:
    names, fields, expected = WORKED[what]
    assert sign(names, fields, KEY, MERCHANT) == expected


def test_the_worked_signature_of_a_customer() -> None:
    customer = {
        "fname": "Juan",
        "lname": "Dela Cruz",
        "mname": "Santos",
        "email": "juan@example.com",
        "mobile": "09171234567",
    }
    assert sign(CUSTOMER, customer, KEY) == (
        "5f7134a036ebda907a2845c4b05f108d377d058d3f468a45b676c85b4cfc4f8b"
        "8a32455f4b64dede9d1bc6cd1b6637b10e660771e98cf15f898c78ebf2e58175"
    )


def packed() -> dict[str, bytes]:
    plain = json.dumps(APPROVED).encode()
    return {
        "plain": plain,
        "in a member": json.dumps({"response": APPROVED}).encode(),
        "deeper": json.dumps({"data": {"transaction": APPROVED}}).encode(),
        "hex": plain.hex().encode(),
        "base64": base64.b64encode(plain),
        "base64 from a form": base64.b64encode(plain).replace(b"+", b" "),
        "base64 in a member": json.dumps(
            {"paymentresponse": base64.b64encode(plain).decode()}
        ).encode(),
        "in capitals": plain.replace(
            APPROVED["signature"].encode(), APPROVED["signature"].upper().encode()
        ),
        "without the merchant": json.dumps(
            {name: text for name, text in APPROVED.items() if name != "merchant_id"}
        ).encode(),
    }


@pytest.mark.parametrize("how", packed())
async def test_notifications_are_read_however_they_are_wrapped(how: str) -> None:
    gateway = connect(merchant_id=MERCHANT, merchant_key=KEY)
    event = await gateway.parse_webhook({}, packed()[how])
    assert (event.reference, event.kind) == (REFERENCE, "GR001")
    assert event.event_id == "PAY000123A1:99000000000000001:GR001"
    assert event.result is None, "the amount is not in it"
    await gateway.aclose()


def signed(**changes: Any) -> bytes:
    fields = APPROVED | changes
    return json.dumps(fields | {"signature": sign(NOTIFICATION, fields, KEY, MERCHANT)}).encode()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(APPROVED | {"response_code": "GR033"}).encode(),
        json.dumps(APPROVED | {"signature": None}).encode(),
        signed(merchant_id="SOMEBODYELSE"),
        signed(request_id="PAY000123A1990000000000000"),
        signed(request_id="", response_id=f"{REFERENCE}99000000000000001"),
        signed(response_code="GR001Transaction Successful", response_message=""),
        b'{"response": {"response": {"response": {"response": {"response": {}}}}}}',
        base64.b64encode(b"\xff\xfe"),
        b"7b7d",
    ],
)
async def test_what_is_not_quite_right_is_refused(body: bytes) -> None:
    gateway = connect(merchant_id=MERCHANT, merchant_key=KEY)
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook({}, body)
    await gateway.aclose()


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.dictionaries(
            st.sampled_from(["data", "response", "signature", "request_id"]), inner
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_nothing_that_arrives_does_harm(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (whatever it says)
        read_notification(body, KEY, MERCHANT)


def test_no_key_signs_nothing() -> None:
    fields = APPROVED | {"signature": sign(NOTIFICATION, APPROVED, "", MERCHANT)}
    with pytest.raises(ValueError, match="another"):
        read_notification(json.dumps(fields).encode(), "", MERCHANT)


# Translation

EXPECTED = {
    "GR001": (COMPLETED, None),
    "GR002": (COMPLETED, None),
    "GR033": (PENDING, None),
    "GR020": (PENDING, None),
    "GR063": (PENDING, None),
    "GR119": (PENDING, None),
    "GR206": (PENDING, None),
    "RM035": (PENDING, None),
    "RM046": (PENDING, None),
    "GR003": (CANCELLED, Reason.FAILED),
    "GR028": (CANCELLED, Reason.CANCELLED_BY_CUSTOMER),
    "GR053": (CANCELLED, Reason.CANCELLED_BY_CUSTOMER),
    "GR152": (CANCELLED, Reason.EXPIRED),
}
LOOKUP = PaymentLookup(REFERENCE, REFERENCE, PHP, datetime(2026, 1, 1, tzinfo=UTC), "gc")


@pytest.mark.parametrize("code", EXPECTED)
def test_every_code(code: str) -> None:
    result = connect()._result({"response_code": code}, LOOKUP)
    assert (result.status, result.reason) == EXPECTED[code]
    assert (result.amount, result.own_reference) == (PHP, REFERENCE)
    assert (result.gateway_reference, result.method_detail) == (REFERENCE, "GCash")
    assert set(CODES) == set(EXPECTED)


@pytest.mark.parametrize("code", ["GR092", "GR999", None])
def test_an_unknown_code_is_pending_and_logged(code: str | None) -> None:
    with capture_logs() as lines:
        assert connect()._result({"response_code": code}, LOOKUP).status is PENDING
    assert [line["event"] for line in lines] == ["unknown_status"]


def test_a_failure_that_may_recover_stays_pending() -> None:
    gateway = connect(failed_may_recover=True)
    result = gateway._result({"response_code": "GR003"}, LOOKUP)
    assert (result.status, result.reason) == (PENDING, None)


@pytest.mark.parametrize(
    ("told", "amount"),
    [
        ({"amount": "1500"}, PHP),
        ({"amount": "15.00", "currency": "USD"}, Money(1500, "USD")),
        ({"amount": "much"}, None),
        ({"amount": "1.00", "currency": "???"}, None),
    ],
)
def test_an_amount_counts_where_an_answer_tells_one(
    told: dict[str, str], amount: Money | None
) -> None:
    assert connect()._result({"response_code": "GR001", **told}, LOOKUP).amount == amount


# What is sent


def test_a_request_fits_paynamics(sandbox: RunningSandbox) -> None:
    gateway = connect(merchant_id=MERCHANT, merchant_key=KEY)
    sent = gateway._transaction(request(sandbox, channel="bpi_online"))
    assert sent["merchant_id"] == MERCHANT
    assert sent["descriptor_note"] == "Top-up for Café Zoë and"
    long = gateway._transaction(request(sandbox, description="x" * 30))
    assert long["descriptor_note"] == "x" * 24
    assert (sent["pmethod"], sent["amount"]) == ("onlinebanktransfer", "1500.00")
    assert sent["signature"] == sign(TRANSACTION, sent, KEY, MERCHANT)


def test_what_integrations_disagree_on_is_set(sandbox: RunningSandbox) -> None:
    gateway = connect(
        merchant_id_field="",
        expiry_format="%m/%d/%Y %H:%M:%S",
        expiry_utc_offset_hours=0,
        counter_action="url_link",
    )
    ends = datetime(2035, 3, 4, 5, 6, 7, tzinfo=UTC)
    sent = gateway._transaction(request(sandbox, channel="711_ph", expires_at=ends))
    assert "merchant_id" not in sent
    assert (sent["expiry_limit"], sent["payment_action"]) == ("03/04/2035 05:06:07", "url_link")


def test_a_counter_has_days_and_a_page_has_hours(sandbox: RunningSandbox) -> None:
    gateway = connect()
    counter = gateway._transaction(request(sandbox, channel="711_ph"))
    page = gateway._transaction(request(sandbox, channel="gc"))
    ends = [gateway._moment(sent["expiry_limit"]) for sent in (counter, page)]
    left = [moment - datetime.now(UTC) for moment in ends if moment]
    assert left[0] > timedelta(days=2)
    assert timedelta(hours=2) < left[1] <= timedelta(hours=3)
    assert counter["payment_action"] == "direct_otc"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Juan Dela Cruz", "Juan Dela", "Cruz"),
        ("Ada", "Ada", "Ada"),
        (f"{'x' * 60} {'y' * 60}", "x" * 50, "y" * 50),
    ],
)
def test_both_names_are_sent(name: str, first: str, last: str) -> None:
    sent = connect(merchant_key=KEY)._customer(Customer(name, "a@example.com"))
    assert (sent["fname"], sent["lname"]) == (first, last)
    assert sent["signature"] == sign(CUSTOMER, sent, KEY)


def test_channels_are_the_merchants() -> None:
    labels = [choice.label for choice in connect().channels]
    assert labels[:4] == [
        "GCash",
        "GrabPay Philippines",
        "PayMaya Philippines",
        "ShopeePay Philippines",
    ]
    assert set(USUAL) <= set(CHANNELS)
    assert [choice.code for choice in connect(channels="711_ph, gc").channels] == ["711_ph", "gc"]
    assert connect(channels="711_ph").channels[0].group == "Over the counter"
    with pytest.raises(ValueError, match="no such channel: nowhere"):
        connect(channels="gc,nowhere")


# Against the twin


@pytest.mark.parametrize(
    ("button", "status", "reason", "back"),
    [
        ("approve", COMPLETED, None, "http://portal.test/return/P0"),
        ("fail", CANCELLED, Reason.FAILED, "http://portal.test/return/P0"),
        (
            "cancel",
            CANCELLED,
            Reason.CANCELLED_BY_CUSTOMER,
            "http://portal.test/return/P0/cancelled",
        ),
    ],
)
async def test_the_page(
    sandbox: RunningSandbox, gateway: Paynamics, button: str, status: str, reason: str, back: str
) -> None:
    asked = request(sandbox)
    created = await gateway.create_payment(asked)
    assert isinstance(created.next_action, Redirect)
    assert (await sandbox.http.get(created.next_action.url)).status_code == 200
    assert await press(sandbox, asked.reference, button) == back
    result = await gateway.fetch_payment(lookup(asked))
    assert (result.status, result.reason) == (status, reason)
    (delivery,) = await sandbox.receiver.wait_for(1)
    event = await gateway.parse_webhook(delivery.headers, delivery.body)
    assert CODES[event.kind] == (status, reason)


@pytest.mark.parametrize(
    "channel", [code for code, each in CHANNELS.items() if each.method in COUNTER_METHODS]
)
async def test_a_counter(sandbox: RunningSandbox, gateway: Paynamics, channel: str) -> None:
    asked = request(sandbox, channel=channel)
    action = (await gateway.create_payment(asked)).next_action
    assert isinstance(action, ShowInstructions)
    assert action.reference.isdigit()
    assert "cashier" in action.text
    assert action.lines == (("Pay at", CHANNELS[channel].label), ("Amount", "1500.00 PHP"))
    assert action.expires_at == asked.expires_at.replace(microsecond=0)
    overview = (await sandbox.http.get("/", params={"gateway": "paynamics"})).text
    counter = f"{sandbox.origin}/paynamics/counter/{asked.reference}"
    assert counter in overview
    assert action.reference in (await sandbox.http.get(counter)).text
    assert await press(sandbox, asked.reference, "counter") == counter
    assert (await gateway.fetch_payment(lookup(asked))).status is COMPLETED


async def test_a_used_reference_is_looked_up(sandbox: RunningSandbox, gateway: Paynamics) -> None:
    asked = request(sandbox)
    await gateway.create_payment(asked)
    await press(sandbox, asked.reference, "approve")
    again = await gateway.create_payment(asked)
    assert (again.status, again.amount) == (COMPLETED, PHP)
    assert len(await sandbox.ledger("paynamics")) == 1


async def test_a_query_needs_an_id_of_its_own(
    sandbox: RunningSandbox, gateway: Paynamics, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(sandbox)
    await gateway.create_payment(asked)
    drawn = iter("00" + "00" + "11")
    monkeypatch.setattr("secrets.choice", lambda _: next(drawn))
    for _ in range(2):
        assert (await gateway.fetch_payment(lookup(asked))).status is PENDING
    assert not list(drawn)


async def test_expiry(sandbox: RunningSandbox, gateway: Paynamics) -> None:
    asked = request(sandbox, expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    await gateway.create_payment(asked)
    result = await gateway.fetch_payment(lookup(asked))
    assert (result.status, result.reason) == (CANCELLED, Reason.EXPIRED)
    (delivery,) = await sandbox.receiver.wait_for(1)
    assert (await gateway.parse_webhook(delivery.headers, delivery.body)).kind == "GR152"
    assert (await sandbox.http.post(f"/paynamics/pay/{asked.reference}/approve")).status_code == 409


async def test_an_order_that_is_refused(sandbox: RunningSandbox, gateway: Paynamics) -> None:
    with pytest.raises(GatewayRejected, match="SB400"):
        await gateway.create_payment(request(sandbox, charge=Money(0, "PHP")))


async def test_a_wrong_key_is_told(sandbox: RunningSandbox) -> None:
    gateway = connect(**keys(sandbox) | {"merchant_key": "other"})
    with pytest.raises(GatewayRejected, match="GR036"):
        await gateway.create_payment(request(sandbox))
    await gateway.aclose()
