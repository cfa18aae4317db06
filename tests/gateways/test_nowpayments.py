"""NOWPayments, against its twin over real HTTP; signatures against worked examples."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from payments_app.domain.money import Money
from payments_app.domain.payment import Reason
from payments_app.gateways.base import (
    Customer,
    Gateway,
    GatewayEvent,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    Subject,
)
from payments_app.gateways.errors import (
    GatewayRejected,
    InvalidSignature,
    Unsupported,
)
from payments_app.gateways.http import Client
from payments_app.gateways.nowpayments import STATUSES, NowPayments, NowPaymentsSettings, _result
from payments_app.gateways.nowpayments_signature import canonical_texts, is_signed
from payments_app.sandbox.app import issued_settings
from payments_app.sandbox.nowpayments_page import write
from tests.gateways.contract import CANCELLED, COMPLETED, PENDING, GatewayContract
from tests.support.sandbox import RunningSandbox

USD = Money(2500, "USD")
REQUEST = PaymentRequest(
    reference="P7K2",
    charge=USD,
    description="Top-up for Café Zoë",
    customer=Customer("Ada Byron", "ada@example.com"),
    return_url="http://portal.test/return/P7K2",
    cancel_url="http://portal.test/return/P7K2/cancelled",
    webhook_url="",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)
KEY = "np_ipn_secret_0001"
BODY = (
    '{"payment_id":5745459419,"parent_payment_id":null,"invoice_id":4522625843,'
    '"payment_status":"finished","pay_address":"TXexampleAddress","payin_extra_id":null,'
    '"price_amount":25,"price_currency":"usd","pay_amount":25.5,"actually_paid":25.5,'
    '"actually_paid_at_fiat":0,"pay_currency":"usdttrc20","order_id":"PAY-000123",'
    '"order_description":"Invoice 42 - https://portal.example/p/123",'
    '"purchase_id":"5837122679","outcome_amount":24.9,"outcome_currency":"usdttrc20",'
    '"payment_extra_ids":null,"fee":{"currency":"usdttrc20","withdrawalFee":0,'
    '"depositFee":0.00001,"serviceFee":1e-7}}'
)
CANONICAL = (
    '{"actually_paid":25.5,"actually_paid_at_fiat":0,"fee":{"currency":"usdttrc20",'
    '"depositFee":0.00001,"serviceFee":1e-7,"withdrawalFee":0},"invoice_id":4522625843,'
    '"order_description":"Invoice 42 - https://portal.example/p/123","order_id":"PAY-000123",'
    '"outcome_amount":24.9,"outcome_currency":"usdttrc20","parent_payment_id":null,'
    '"pay_address":"TXexampleAddress","pay_amount":25.5,"pay_currency":"usdttrc20",'
    '"payin_extra_id":null,"payment_extra_ids":null,"payment_id":5745459419,'
    '"payment_status":"finished","price_amount":25,"price_currency":"usd",'
    '"purchase_id":"5837122679"}'
)
SIGNATURE = (
    "f4b441c97994a23965cac4515041f897bb5f74c7b48427435a15b4ef81b492ec"
    "3a97578fef4f72a98ea078e2deb6269c58bfeac79070177fb4334212bb4f2929"
)
PLAIN_PYTHON = (
    "2f2f9526ac5af1a5c20ca36dbd3b320ba5c87039333b44b07a4c082c36e32b2a"
    "c0419b1b525c1dafb64d751806646e1af676e4d4f518f1caf12eaeef9e6aa94f"
)
NESTED_EMPTIED = (
    "83ab056b78f45be26cb494e1c4ff3250587edc75ed7b4b79767c41ce26312c1e"
    "37d24721b6e915d007a0791d9376b496e4dec9ad2c05caf531eca8b50875fd21"
)
ACCENTS = (
    '{"payment_id":5745459420,"payment_status":"waiting","price_amount":10,'
    '"price_currency":"eur","order_id":"PAY-000124",'
    '"order_description":"Café crème / été","pay_currency":"btc"}'
)
ACCENTS_SIGNED = {
    "as they are": "bd8fced2e2668baf43e6f94d00c566d00b2efbb437c8c116e92465fb7082e070"
    "4458ecbbe15ba547d0d16d3a65ddd2d99111d1663f9be8b97bd150b13c0fb1ff",
    "escaped": "690a6791a710d5708c43a4e49bd934a10406471fc96b7bf879d84bfcc0cec93b"
    "9f689ebcdcc91dae5e326ea60cbcfc373f00fa5ce4e188ff67fbc671ef9e237e",
}


def keys(sandbox: RunningSandbox) -> dict[str, str]:
    issued = issued_settings(sandbox.origin)
    names = ("api_key", "ipn_key", "api_base", "email", "password")
    return {name: issued[f"NOWPAYMENTS_{name.upper()}"] for name in names}


def connect(**given: str) -> NowPayments:
    return NowPayments(NowPaymentsSettings(_env_file=None, **given), Client("nowpayments"))


@pytest.fixture
async def gateway(sandbox: RunningSandbox) -> AsyncIterator[NowPayments]:
    gateway = connect(**keys(sandbox))
    yield gateway
    await gateway.aclose()


@pytest.fixture
async def without_log_in(sandbox: RunningSandbox) -> AsyncIterator[NowPayments]:
    gateway = connect(**keys(sandbox) | {"email": "", "password": ""})
    yield gateway
    await gateway.aclose()


def lookup(created: PaymentResult) -> PaymentLookup:
    return PaymentLookup("P7K2", created.gateway_reference, USD, datetime(2026, 1, 1, tzinfo=UTC))


async def create(sandbox: RunningSandbox, gateway: NowPayments) -> PaymentResult:
    url = f"{sandbox.receiver.url}/webhooks/nowpayments"
    return await gateway.create_payment(replace(REQUEST, webhook_url=url))


async def press(sandbox: RunningSandbox, created: PaymentResult, button: str) -> str:
    """Press a button on the invoice's page; return where the browser is sent."""
    assert isinstance(created.next_action, Redirect)
    page = await sandbox.http.get(created.next_action.url)
    action = f"/nowpayments/payment/{created.gateway_reference}/{button}"
    assert action in page.text
    answer = await sandbox.http.post(action)
    assert answer.status_code == 303
    return answer.headers["location"]


async def events(sandbox: RunningSandbox, gateway: NowPayments, count: int) -> list[GatewayEvent]:
    deliveries = await sandbox.receiver.wait_for(count)
    assert {delivery.path for delivery in deliveries} == {"/webhooks/nowpayments"}
    return [await gateway.parse_webhook(each.headers, each.body) for each in deliveries]


def signed(payment: dict[str, Any], key: str) -> tuple[dict[str, str], bytes]:
    text = json.dumps(payment, sort_keys=True, separators=(",", ":"))
    signature = hmac.new(key.encode(), text.encode(), hashlib.sha512).hexdigest()
    return {"x-nowpayments-sig": signature}, json.dumps(payment).encode()


# What holds for every gateway


class TestContract(GatewayContract):
    kind = NowPayments
    creating = "/v1/invoice"
    page_size = "payments_app.gateways.nowpayments._PAGE"
    probed_by = "api_key"
    secrets = ("api_key", "ipn_key", "password")
    refunds = False
    cancels = False

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await press(sandbox, created, "all")

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await press(sandbox, created, "fail")

    async def pay(self, sandbox: RunningSandbox, gateway: Gateway) -> PaymentResult:
        paid = await super().pay(sandbox, gateway)
        await sandbox.receiver.wait_for(len(("waiting", "confirming", "finished")))
        return paid

    async def test_same_reference_creates_once(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        """It knows no idempotency: only the invoice that the customer is sent to counts."""
        created = [await gateway.create_payment(self.request_at(sandbox)) for _ in range(2)]
        await self.approve(sandbox, created[0])
        assert (await self.settled(gateway, created[0])).status is COMPLETED
        assert (await self.settled(gateway, created[1])).status is PENDING
        assert len(await self.charges(sandbox)) == 1

    async def test_unknown_reference(self, gateway: Gateway) -> None:
        """An invoice that nobody opened looks in the list like one that does not exist."""
        with pytest.raises(Unsupported):
            await gateway.fetch_payment(self.lookup(None))
        assert (await gateway.fetch_payment(self.lookup("404404"))).status is PENDING


# Signatures


def test_the_worked_signature() -> None:
    assert next(canonical_texts(BODY.encode())) == CANONICAL
    assert is_signed(KEY, SIGNATURE, BODY.encode())
    assert is_signed(KEY, SIGNATURE.upper(), BODY.encode())


@pytest.mark.parametrize("wrong", [PLAIN_PYTHON, NESTED_EMPTIED, SIGNATURE[:-1], "", "é"])
def test_signatures_made_the_wrong_way_are_refused(wrong: str) -> None:
    assert not is_signed(KEY, wrong, BODY.encode())


def test_the_wrong_ways_are_what_they_claim_to_be() -> None:
    text = json.dumps(json.loads(BODY), sort_keys=True, separators=(",", ":"))
    emptied = json.dumps({**json.loads(BODY), "fee": {}}, sort_keys=True, separators=(",", ":"))
    for made, expected in ((text, PLAIN_PYTHON), (emptied, NESTED_EMPTIED)):
        assert hmac.new(KEY.encode(), made.encode(), hashlib.sha512).hexdigest() == expected


@pytest.mark.parametrize("way", ACCENTS_SIGNED)
def test_letters_outside_ascii_are_taken_in_both_forms(way: str) -> None:
    assert is_signed(KEY, ACCENTS_SIGNED[way], ACCENTS.encode())
    assert is_signed(KEY, ACCENTS_SIGNED[way], json.dumps(json.loads(ACCENTS)).encode())


def test_lists_are_taken_in_both_forms() -> None:
    body = b'{"b":[3,{"z":1,"a":2}],"a":1.50}'
    assert set(canonical_texts(body)) == {
        '{"a":1.50,"b":[3,{"a":2,"z":1}]}',
        '{"a":1.50,"b":{"0":3,"1":{"a":2,"z":1}}}',
    }


def test_no_key_signs_nothing() -> None:
    empty = hmac.new(b"", CANONICAL.encode(), hashlib.sha512).hexdigest()
    assert not is_signed("", empty, BODY.encode())


NAMES = st.text().map(lambda name: f"_{name}")
"""The twin writes text as a number in the fields that it knows."""


@given(
    st.dictionaries(
        NAMES,
        st.none() | st.booleans() | st.text() | st.integers() | st.lists(st.integers(), max_size=3),
        max_size=5,
    )
)
def test_the_twin_and_the_gateway_agree_on_what_is_signed(message: dict[str, Any]) -> None:
    try:
        body = write(message).encode()
        text = write(message, in_order=True).encode()
    except UnicodeEncodeError:
        return
    assert text.decode() in list(canonical_texts(body))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"a":"\\ud800"}', b"\xff\xfe", b"[]", b'{"a":1}']
)
async def test_what_is_no_message_is_refused(body: bytes) -> None:
    gateway = connect(ipn_key=KEY)
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook({"x-nowpayments-sig": SIGNATURE}, body)
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook({}, BODY.encode())
    await gateway.aclose()


# Translation


def payment(**changes: Any) -> dict[str, Any]:
    return json.loads(BODY, parse_float=str) | changes


EXPECTED = {
    "waiting": (PENDING, None),
    "confirming": (PENDING, None),
    "confirmed": (PENDING, None),
    "sending": (PENDING, None),
    "partially_paid": (PENDING, Reason.PARTIALLY_PAID),
    "finished": (COMPLETED, None),
    "failed": (CANCELLED, Reason.FAILED),
    "refunded": (CANCELLED, Reason.REVERSED),
    "expired": (CANCELLED, Reason.EXPIRED),
    "cancelled": (CANCELLED, Reason.FAILED),
    "canceled": (CANCELLED, Reason.FAILED),
}


@pytest.mark.parametrize("status", EXPECTED)
def test_every_status(status: str) -> None:
    result = _result(payment(payment_status=status))
    assert (result.status, result.reason) == EXPECTED[status]
    assert (result.amount, result.own_reference) == (USD, "PAY-000123")
    assert (result.gateway_reference, result.method_detail) == ("4522625843", "USDTTRC20")
    assert set(STATUSES) == set(EXPECTED)


def test_an_unknown_status_is_pending_and_logged() -> None:
    with capture_logs() as lines:
        assert _result(payment(payment_status="teleported")).status is PENDING
    assert [line["event"] for line in lines] == ["unknown_status"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"parent_payment_id": 1}, Reason.REPEATED_DEPOSIT),
        ({"actually_paid": "25.4"}, Reason.WRONG_ASSET),
        ({"actually_paid": None}, Reason.WRONG_ASSET),
        ({"actually_paid": "NaN"}, Reason.WRONG_ASSET),
        ({"pay_amount": 0, "actually_paid": 0}, Reason.WRONG_ASSET),
        ({"actually_paid": 26}, Reason.OVERPAID),
        ({"price_currency": "btc"}, Reason.CURRENCY_MISMATCH),
        ({"price_amount": "25.001"}, Reason.CURRENCY_MISMATCH),
        ({"price_amount": "1e-999999999"}, Reason.CURRENCY_MISMATCH),
        ({"price_amount": None}, Reason.CURRENCY_MISMATCH),
    ],
)
def test_finished_is_not_always_paid(changes: dict[str, Any], reason: Reason) -> None:
    result = _result(payment(**changes))
    assert (result.status, result.reason) == (PENDING, reason)


@pytest.mark.parametrize("paid", ["25.5", "25.500000", "2.55e1", "25.51"])
def test_what_wallets_round_up_is_paid(paid: str) -> None:
    assert _result(payment(actually_paid=paid)).status is COMPLETED


@pytest.mark.parametrize("status", ["waiting", "failed", "expired", "refunded"])
def test_a_further_deposit_never_ends_the_payment(status: str) -> None:
    result = _result(payment(parent_payment_id=1, payment_status=status))
    assert (result.status, result.reason) == (PENDING, None)


@pytest.mark.parametrize(
    ("worth", "received"), [("9.999", Money(999, "USD")), (10, Money(1000, "USD")), (0, None)]
)
def test_what_a_part_is_worth(worth: object, received: Money | None) -> None:
    result = _result(payment(payment_status="partially_paid", actually_paid_at_fiat=worth))
    assert result.received == received


# Against the twin


async def test_pays(sandbox: RunningSandbox, gateway: NowPayments) -> None:
    created = await create(sandbox, gateway)
    assert (created.status, created.amount, created.own_reference) == (PENDING, USD, "P7K2")
    assert (await gateway.fetch_payment(lookup(created))).status is PENDING
    location = await press(sandbox, created, "all")
    assert location.startswith("http://portal.test/return/P7K2?NP_id=")
    found = await events(sandbox, gateway, 3)
    assert {event.kind for event in found} == {"waiting", "confirming", "finished"}
    assert {event.gateway_reference for event in found} == {created.gateway_reference}
    assert {event.reference for event in found} == {"P7K2"}
    assert len({event.event_id for event in found}) == 3
    told = found[-1].result
    for result in (told, await gateway.fetch_payment(lookup(created))):
        assert result is not None
        assert (result.status, result.amount, result.own_reference) == (COMPLETED, USD, "P7K2")
        assert result.gateway_reference == created.gateway_reference
    (entry,) = await sandbox.ledger("nowpayments")
    assert (entry["reference"], entry["amount"], entry["currency"]) == ("P7K2", 2500, "USD")


async def test_the_invoice_is_exact_and_ascii(
    sandbox: RunningSandbox, gateway: NowPayments
) -> None:
    charge = Money(9_007_199_254_740_993, "USD")
    url = f"{sandbox.receiver.url}/webhooks/nowpayments"
    request = replace(REQUEST, charge=charge, webhook_url=url)
    created = await gateway.create_payment(request)
    assert created.raw["price_amount"] == "90071992547409.93"
    assert created.raw["order_description"] == "Top-up for Cafe Zoe"
    await press(sandbox, created, "all")
    result = (await events(sandbox, gateway, 3))[-1].result
    assert result is not None
    assert result.amount == charge


@pytest.mark.parametrize(
    ("button", "reason", "received"),
    [
        ("part", Reason.PARTIALLY_PAID, Money(1000, "USD")),
        ("much", Reason.OVERPAID, Money(2750, "USD")),
        ("coin", Reason.WRONG_ASSET, Money(1250, "USD")),
    ],
)
async def test_another_sum_waits_for_review(
    sandbox: RunningSandbox, gateway: NowPayments, button: str, reason: Reason, received: Money
) -> None:
    created = await create(sandbox, gateway)
    await press(sandbox, created, button)
    told = (await events(sandbox, gateway, 3))[-1].result
    for result in (told, await gateway.fetch_payment(lookup(created))):
        assert result is not None
        assert (result.status, result.reason) == (PENDING, reason)
        assert result.received == received


async def test_the_rest_completes_a_part(sandbox: RunningSandbox, gateway: NowPayments) -> None:
    created = await create(sandbox, gateway)
    await press(sandbox, created, "part")
    await press(sandbox, created, "rest")
    told = (await events(sandbox, gateway, 5))[-1].result
    assert told is not None
    assert (told.status, told.amount) == (COMPLETED, USD)
    assert sum(int(str(entry["amount"])) for entry in await sandbox.ledger("nowpayments")) == 2500


async def test_a_second_deposit_is_told_apart(
    sandbox: RunningSandbox, gateway: NowPayments
) -> None:
    created = await create(sandbox, gateway)
    await press(sandbox, created, "all")
    await press(sandbox, created, "again")
    told = (await events(sandbox, gateway, 6))[-1].result
    assert told is not None
    assert (told.status, told.reason) == (PENDING, Reason.REPEATED_DEPOSIT)
    assert (await gateway.fetch_payment(lookup(created))).status is COMPLETED


async def test_money_after_expiry(
    sandbox: RunningSandbox, gateway: NowPayments, without_log_in: NowPayments
) -> None:
    created = await create(sandbox, gateway)
    await press(sandbox, created, "late")
    found = await events(sandbox, gateway, 4)
    assert [event.kind for event in found] == ["waiting", "expired", "confirming", "finished"]
    assert found[1].result is None, "a look-up decides, since the customer may have tried again"
    alone = (await events(sandbox, without_log_in, 4))[1].result
    assert alone is not None
    assert (alone.status, alone.reason) == (CANCELLED, Reason.EXPIRED)
    assert (await gateway.fetch_payment(lookup(created))).status is COMPLETED


async def test_fails_and_is_tried_again(sandbox: RunningSandbox, gateway: NowPayments) -> None:
    created = await create(sandbox, gateway)
    location = await press(sandbox, created, "fail")
    assert location.startswith(REQUEST.cancel_url)
    failed = await gateway.fetch_payment(lookup(created))
    assert (failed.status, failed.reason) == (CANCELLED, Reason.FAILED)
    await press(sandbox, created, "all")
    assert (await gateway.fetch_payment(lookup(created))).status is COMPLETED


async def test_leaving_the_page_changes_nothing(
    sandbox: RunningSandbox, gateway: NowPayments
) -> None:
    created = await create(sandbox, gateway)
    assert await press(sandbox, created, "cancel") == REQUEST.cancel_url
    assert (await gateway.fetch_payment(lookup(created))).status is PENDING
    assert (
        await sandbox.http.post(f"/nowpayments/payment/{created.gateway_reference}/rest")
    ).is_error


async def test_looking_up_needs_the_log_in_and_the_invoice(
    sandbox: RunningSandbox, gateway: NowPayments, without_log_in: NowPayments
) -> None:
    created = await create(sandbox, gateway)
    with pytest.raises(Unsupported):
        await without_log_in.fetch_payment(lookup(created))
    with pytest.raises(Unsupported):
        await gateway.fetch_payment(replace(lookup(created), gateway_reference=None))


async def test_an_old_token_is_renewed(sandbox: RunningSandbox, gateway: NowPayments) -> None:
    found = lookup(await create(sandbox, gateway))
    await gateway.fetch_payment(found)
    gateway._token = "old"
    with pytest.raises(GatewayRejected):
        await gateway.fetch_payment(found)
    assert (await gateway.fetch_payment(found)).status is PENDING


async def test_reads_are_repeated(sandbox: RunningSandbox, gateway: NowPayments) -> None:
    found = lookup(await create(sandbox, gateway))
    await sandbox.fault("nowpayments", server_error={"times": 1, "on_call": "GET "})
    assert (await gateway.fetch_payment(found)).status is PENDING


async def test_a_payment_of_no_order_is_not_ours() -> None:
    gateway = connect(ipn_key=KEY)
    headers, body = signed({"payment_id": 1, "payment_status": "finished"}, KEY)
    assert (await gateway.parse_webhook(headers, body)).subject is Subject.OTHER
    headers, body = signed({"hello": "world"}, KEY)
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook(headers, body)
    await gateway.aclose()


async def test_an_amount_that_is_refused(sandbox: RunningSandbox, gateway: NowPayments) -> None:
    with pytest.raises(GatewayRejected, match="CURRENCY_UNAVAILABLE"):
        await gateway.create_payment(replace(REQUEST, charge=Money(100, "JPY")))


def test_what_is_missing_is_named() -> None:
    assert connect().missing_settings() == ("NOWPAYMENTS_API_KEY", "NOWPAYMENTS_IPN_KEY")
    assert connect().currencies() == {"USD", "GBP"}
