"""Stripe's twin, driven by Stripe's own SDK over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stripe import StripeClient

from payments_app.sandbox.app import issued_settings
from payments_app.sandbox.card_http import decode
from tests.support.sandbox import RunningSandbox

# The SDK hands raw bytes to HTTPX under a name that HTTPX has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

PRICE = {"amount": 5000, "currency": "usd", "metadata": {"reference": "PAY1"}}
DECLINES = {
    "4000000000000002": ("card_declined", "generic_decline"),
    "4000000000009995": ("card_declined", "insufficient_funds"),
    "4000000000009987": ("card_declined", "lost_card"),
    "4000000000009979": ("card_declined", "stolen_card"),
    "4000000000000069": ("expired_card", None),
    "4000000000000127": ("incorrect_cvc", None),
    "4000000000000119": ("processing_error", None),
    "4111111111111111": ("card_declined", "testmode_decline"),
}


@asynccontextmanager
async def client_for(origin: str, key: str = "", retries: int = 0) -> AsyncIterator[StripeClient]:
    issued = issued_settings(origin)
    http = stripe.HTTPXClient(timeout=5)
    yield StripeClient(
        key or issued["STRIPE_SECRET_KEY"],
        base_addresses={"api": issued["STRIPE_API_BASE"]},
        http_client=http,
        max_network_retries=retries,
    )
    await http.close_async()


@pytest.fixture
async def client(running_sandbox: RunningSandbox) -> AsyncIterator[StripeClient]:
    async with client_for(running_sandbox.origin) as client:
        yield client


async def browser_confirms(
    running: RunningSandbox, secret: str, number: str, **more: str
) -> httpx.Response:
    """Post what the frame of the card number posts."""
    card = {"number": number, "exp_month": "12", "exp_year": "40", "cvc": "123"}
    body = {f"payment_method_data[card][{name}]": text for name, text in card.items()}
    body |= {"payment_method_data[type]": "card", "client_secret": secret, **more}
    body["key"] = issued_settings(running.origin)["STRIPE_PUBLISHABLE_KEY"]
    intent = secret.partition("_secret_")[0]
    return await running.http.post(f"/stripe/v1/payment_intents/{intent}/confirm", data=body)


async def events(client: StripeClient) -> list[str]:
    page = await client.v1.events.list_async({"limit": 100})
    return [event.type for event in reversed(page.data)]


async def test_pays(running_sandbox: RunningSandbox, client: StripeClient) -> None:
    intent = await client.v1.payment_intents.create_async(
        {**PRICE, "automatic_payment_methods": {"enabled": True}, "description": "Top-up"}
    )
    assert intent.status == "requires_payment_method"
    answer = await browser_confirms(running_sandbox, intent.client_secret, "4242424242424242")
    assert answer.status_code == 200
    assert "metadata" not in answer.json()
    paid = await client.v1.payment_intents.retrieve_async(
        intent.id, {"expand": ["latest_charge.balance_transaction"]}
    )
    assert (paid.status, paid.amount_received, paid.currency) == ("succeeded", 5000, "usd")
    assert paid.metadata["reference"] == "PAY1"
    assert paid.latest_charge.payment_method_details.card.last4 == "4242"
    assert paid.latest_charge.balance_transaction.fee == 175
    assert await running_sandbox.ledger("card") == [
        {
            "seq": 1,
            "kind": "charge",
            "reference": "PAY1",
            "object_id": paid.latest_charge.id,
            "amount": 5000,
            "currency": "USD",
            "created_at": pytest.approx(paid.created, abs=60),
        }
    ]


async def test_webhooks_are_stripes(running_sandbox: RunningSandbox, client: StripeClient) -> None:
    await client.v1.payment_intents.create_async(
        {**PRICE, "payment_method": "pm_card_visa", "confirm": True}
    )
    deliveries = await running_sandbox.receiver.wait_for(2)
    secret = issued_settings(running_sandbox.origin)["STRIPE_WEBHOOK_SECRET"]
    kinds = []
    for delivery in deliveries:
        assert delivery.path == "/webhooks/card"
        event = stripe.Webhook.construct_event(
            delivery.body, delivery.headers["stripe-signature"], secret
        )
        kinds.append(event.type)
        assert event.data.object.amount == 5000
    assert kinds == ["charge.succeeded", "payment_intent.succeeded"]
    assert await events(client) == kinds


@pytest.mark.parametrize("number", DECLINES)
async def test_declines(running_sandbox: RunningSandbox, client: StripeClient, number: str) -> None:
    intent = await client.v1.payment_intents.create_async(PRICE)
    answer = await browser_confirms(running_sandbox, intent.client_secret, number)
    error = answer.json()["error"]
    assert answer.status_code == 402
    assert (error["code"], error.get("decline_code")) == DECLINES[number]
    assert error["payment_intent"]["status"] == "requires_payment_method"
    after = await client.v1.payment_intents.retrieve_async(intent.id)
    assert after.last_payment_error.code == error["code"]
    assert await running_sandbox.ledger("card") == []
    assert await events(client) == ["charge.failed", "payment_intent.payment_failed"]

    again = await browser_confirms(running_sandbox, intent.client_secret, "4242424242424242")
    assert again.json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "4242"}, "incorrect_number"),
        ({"exp_month": "13"}, "invalid_expiry_month"),
        ({"exp_year": "20"}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
async def test_unusable_cards_change_nothing(
    running_sandbox: RunningSandbox,
    client: StripeClient,
    card: dict[str, str],
    code: str,
) -> None:
    intent = await client.v1.payment_intents.create_async(PRICE)
    more = {f"payment_method_data[card][{name}]": text for name, text in card.items()}
    answer = await browser_confirms(
        running_sandbox, intent.client_secret, "4242424242424242", **more
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, code)
    after = await client.v1.payment_intents.retrieve_async(intent.id)
    assert after.last_payment_error is None


@pytest.mark.parametrize(
    ("number", "answer", "ends", "code"),
    [
        ("4000002500003155", "complete", "succeeded", None),
        ("4000002760003184", "complete", "succeeded", None),
        ("4000000000003220", "complete", "succeeded", None),
        ("4000000000003220", "fail", "requires_payment_method", "authentication_failure"),
        ("4000008260003178", "complete", "requires_payment_method", "card_declined"),
    ],
)
async def test_3d_secure(
    running_sandbox: RunningSandbox,
    client: StripeClient,
    number: str,
    answer: str,
    ends: str,
    code: str | None,
) -> None:
    intent = await client.v1.payment_intents.create_async(PRICE)
    secret = intent.client_secret
    asked = (await browser_confirms(running_sandbox, secret, number)).json()
    assert asked["status"] == "requires_action"
    address = asked["next_action"]["use_stripe_sdk"]["stripe_js"]
    page = await running_sandbox.http.get(address)
    assert "Complete authentication" in page.text
    assert "50.00 USD" in page.text
    answer_url = f"/stripe/3ds/{intent.id}/{answer}"
    for _ in range(2):
        done = await running_sandbox.http.post(answer_url, data={"client_secret": secret})
        assert "done.js" in done.text
    after = await client.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == ends
    error = after.last_payment_error
    assert (error is None) if code is None else error.code.endswith(code)
    assert len(await running_sandbox.ledger("card")) == (ends == "succeeded")


async def test_3d_secure_by_redirect(running_sandbox: RunningSandbox, client: StripeClient) -> None:
    intent = await client.v1.payment_intents.create_async(PRICE)
    asked = await browser_confirms(
        running_sandbox,
        intent.client_secret,
        "4000000000003220",
        return_url="http://127.0.0.1:1/return?a=1",
    )
    address = asked.json()["next_action"]["redirect_to_url"]["url"].partition("?")[0]
    wrong = await running_sandbox.http.post(f"{address}/complete", data={"client_secret": "no"})
    assert wrong.status_code == 400
    done = await running_sandbox.http.post(
        f"{address}/complete", data={"client_secret": intent.client_secret}
    )
    assert done.headers["location"] == (
        f"http://127.0.0.1:1/return?a=1&payment_intent={intent.id}"
        f"&payment_intent_client_secret={intent.client_secret}&redirect_status=succeeded"
    )


async def test_cancels(client: StripeClient) -> None:
    intent = await client.v1.payment_intents.create_async(PRICE)
    gone = await client.v1.payment_intents.cancel_async(
        intent.id, {"cancellation_reason": "abandoned"}
    )
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    paid = await client.v1.payment_intents.create_async(
        {**PRICE, "payment_method": "pm_card_visa", "confirm": True}
    )
    for refused in (gone.id, paid.id):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await client.v1.payment_intents.cancel_async(refused)
        assert caught.value.code == "payment_intent_unexpected_state"
        assert caught.value.error.payment_intent.id == refused


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 29, "currency": "gbp"}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": "12.5"}, "parameter_invalid_integer"),
        ({"amount": None}, "parameter_missing"),
        ({"currency": "xyz"}, None),
        ({"amuont": 5}, "parameter_unknown"),
        ({"payment_method_data": {"type": "card", "card": {"number": "4242424242424242"}}}, None),
    ],
)
async def test_refuses(client: StripeClient, changes: dict[str, object], code: str | None) -> None:
    params = {name: value for name, value in {**PRICE, **changes}.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.payment_intents.create_async(params)
    assert caught.value.code == code


async def test_unknown_ids(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.payment_intents.retrieve_async("pi_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


async def test_keys(running_sandbox: RunningSandbox, client: StripeClient) -> None:
    issued = issued_settings(running_sandbox.origin)
    for key in ("sk_test_other", issued["STRIPE_PUBLISHABLE_KEY"]):
        async with client_for(running_sandbox.origin, key) as stranger:
            with pytest.raises(stripe.AuthenticationError):
                await stranger.v1.payment_intents.list_async()
    path = "/stripe/v1/payment_intents"
    basic = await running_sandbox.http.get(path, auth=(issued["STRIPE_SECRET_KEY"], ""))
    assert basic.json()["object"] == "list"
    assert (await running_sandbox.http.get(path)).status_code == 401

    intent = await client.v1.payment_intents.create_async(PRICE)
    public = {"key": issued["STRIPE_PUBLISHABLE_KEY"]}
    blind = await running_sandbox.http.get(f"{path}/{intent.id}", params=public)
    assert blind.status_code == 400
    public["client_secret"] = intent.client_secret
    seen = await running_sandbox.http.get(f"{path}/{intent.id}", params=public)
    assert seen.headers["access-control-allow-origin"] == "*"
    assert "metadata" not in seen.json()


async def test_lists_and_pages(client: StripeClient) -> None:
    made = [(await client.v1.payment_intents.create_async(PRICE)).id for _ in range(5)]
    first = await client.v1.payment_intents.list_async({"limit": 2})
    assert first.has_more
    listed = [intent.id async for intent in first.auto_paging_iter()]
    assert listed == made[::-1]
    created = first.data[0].created
    later = await client.v1.payment_intents.list_async({"created": {"gt": created + 60}})
    assert later.data == []
    now = await client.v1.payment_intents.list_async(
        {"created": {"gte": created - 60, "lt": created + 60}}
    )
    assert len(now.data) == 5


async def test_search(client: StripeClient) -> None:
    made = await client.v1.payment_intents.create_async({**PRICE, "metadata": {"reference": "P1"}})
    await client.v1.payment_intents.create_async({**PRICE, "metadata": {"reference": "P2"}})

    async def found(query: str) -> list[str]:
        page = await client.v1.payment_intents.search_async({"query": query})
        return [intent.id for intent in page.data]

    assert await found("metadata['reference']:'P1'") == [made.id]
    assert await found("metadata['reference']:'P3'") == []
    with pytest.raises(stripe.InvalidRequestError):
        await found("reference is P1")


async def pay(client: StripeClient, method: str = "pm_card_visa") -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(
        {**PRICE, "payment_method": method, "confirm": True}
    )


async def test_refunds_never_more_than_is_left(
    running_sandbox: RunningSandbox, client: StripeClient
) -> None:
    paid = await pay(client)
    part = await client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 2000})
    assert (part.status, part.amount, part.currency) == ("succeeded", 2000, "usd")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 3001})
    rest = await client.v1.refunds.create_async({"charge": paid.latest_charge})
    assert rest.amount == 3000
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert caught.value.code == "charge_already_refunded"
    charge = await client.v1.charges.retrieve_async(paid.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (True, 5000)
    listed = await client.v1.refunds.list_async({"payment_intent": paid.id})
    assert [refund.id for refund in listed.data] == [rest.id, part.id]
    assert (await client.v1.refunds.retrieve_async(part.id)).amount == 2000
    moved = [(entry["kind"], entry["amount"]) for entry in await running_sandbox.ledger("card")]
    assert moved == [("charge", 5000), ("refund", 2000), ("refund", 3000)]
    assert "charge.refunded" in await events(client)


async def test_refunds_only_what_was_charged(client: StripeClient) -> None:
    intent = await client.v1.payment_intents.create_async(PRICE)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "payment_intent_unexpected_state"


async def test_refund_that_comes_late_and_one_that_fails(
    running_sandbox: RunningSandbox, client: StripeClient
) -> None:
    late = await pay(client, "pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": late.id})
    assert refund.status == "pending"
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    failing = await pay(client, "pm_card_refundFail")
    refund = await client.v1.refunds.create_async({"payment_intent": failing.id})
    assert refund.status == "succeeded"
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "failed"
    sent = await events(client)
    assert "refund.updated" in sent
    assert sent[-1] == "refund.failed"
    kinds = [entry["kind"] for entry in await running_sandbox.ledger("card")]
    assert kinds == ["charge", "refund", "charge"]


@pytest.mark.parametrize(
    ("evidence", "status", "kinds"),
    [
        ("winning_evidence", "won", ["charge", "chargeback", "chargeback_reversal"]),
        ("losing_evidence", "lost", ["charge", "chargeback"]),
    ],
)
async def test_disputes(
    running_sandbox: RunningSandbox,
    client: StripeClient,
    evidence: str,
    status: str,
    kinds: list[str],
) -> None:
    paid = await pay(client, "pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async({"payment_intent": paid.id})).data
    assert dispute.status == "needs_response"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async({"payment_intent": paid.id})
    assert caught.value.code == "charge_disputed"
    closed = await client.v1.disputes.update_async(
        dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True}
    )
    assert closed.status == status
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.disputes.close_async(dispute.id)
    assert (await events(client))[-2:] == ["charge.dispute.created", "charge.dispute.closed"]
    assert [entry["kind"] for entry in await running_sandbox.ledger("card")] == kinds


async def test_same_key_same_answer(running_sandbox: RunningSandbox, client: StripeClient) -> None:
    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        key=st.text("abcdefgh0123456789-", min_size=1, max_size=255),
        amount=st.integers(0, 10_000),
        repeats=st.integers(1, 3),
        method=st.sampled_from(["pm_card_visa", "pm_card_visa_chargeDeclined", None]),
    )
    def check(key: str, amount: int, repeats: int, method: str | None) -> None:
        examples.append((f"{len(examples)}-{key}"[:255], amount, repeats, method))

    examples: list[tuple[str, int, int, str | None]] = []
    await asyncio.to_thread(check)
    path = "/stripe/v1/payment_intents"
    auth = (issued_settings(running_sandbox.origin)["STRIPE_SECRET_KEY"], "")
    charged = 0
    for key, amount, repeats, method in examples:
        body = {"amount": str(amount), "currency": "usd"}
        if method:
            body |= {"payment_method": method, "confirm": "true"}
        answers = [
            await running_sandbox.http.post(
                path, data=body, auth=auth, headers={"Idempotency-Key": key}
            )
            for _ in range(1 + repeats)
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {
            (answers[0].status_code, answers[0].text)
        }
        charged += amount >= 50 and method == "pm_card_visa"
        if amount >= 50:
            assert answers[-1].headers["idempotent-replayed"] == "true"
            other = await running_sandbox.http.post(
                path,
                data={**body, "amount": str(amount + 1)},
                auth=auth,
                headers={"Idempotency-Key": key},
            )
            assert other.status_code == 400
            assert other.json()["error"]["type"] == "idempotency_error"
    assert len(await running_sandbox.ledger("card")) == charged


async def test_same_key_at_the_same_time_charges_once(
    running_sandbox: RunningSandbox, client: StripeClient
) -> None:
    params = {**PRICE, "payment_method": "pm_card_visa", "confirm": True}
    answers = await asyncio.gather(
        *(
            client.v1.payment_intents.create_async(params, {"idempotency_key": "once"})
            for _ in range(5)
        ),
        return_exceptions=True,
    )
    made = {answer.id for answer in answers if isinstance(answer, stripe.PaymentIntent)}
    refused = [answer for answer in answers if isinstance(answer, stripe.StripeError)]
    assert len(made) == 1
    assert all(error.http_status == 409 for error in refused)
    assert len(await running_sandbox.ledger("card")) == 1


async def test_no_card_number_is_kept(
    running_sandbox: RunningSandbox, client: StripeClient
) -> None:
    for number in ("4242424242424242", "4000000000000002", "4242424242424241", "4111111111111111"):
        intent = await client.v1.payment_intents.create_async(PRICE)
        await browser_confirms(running_sandbox, intent.client_secret, number)
        async with running_sandbox.sandbox.store.transaction("card") as tx:
            for table in ("objects", "replies", "entries", "deliveries"):
                assert number not in json.dumps(await tx.execute(f"SELECT * FROM {table}"))


def test_form_bodies_with_brackets() -> None:
    assert decode("a=1&b[c]=2&b[d][e]=3&f[]=4&f[]=5&g[0]=6&g[1][h]=7") == {
        "a": "1",
        "b": {"c": "2", "d": {"e": "3"}},
        "f": ["4", "5"],
        "g": ["6", {"h": "7"}],
    }


@pytest.mark.parametrize("fault", ["reset", "server_error", "rate_limit"])
async def test_the_sdk_meets_faults(running_sandbox: RunningSandbox, fault: str) -> None:
    params = {**PRICE, "payment_method": "pm_card_visa", "confirm": True}
    async with client_for(running_sandbox.origin, retries=1) as patient:
        await running_sandbox.fault("card", **{fault: {"times": 1}})
        if fault == "rate_limit":
            with pytest.raises(stripe.RateLimitError):
                await patient.v1.payment_intents.create_async(params)
        paid = await patient.v1.payment_intents.create_async(params)
    assert paid.status == "succeeded"
    assert len(await running_sandbox.ledger("card")) == 1
