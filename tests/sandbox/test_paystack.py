"""Paystack's twin, spoken to as its documentation says."""

import hmac
import json

import httpx
import pytest

from payments_app.sandbox import paystack
from payments_app.sandbox.app import issued_settings
from tests.support.sandbox import RunningSandbox

ASKED = {
    "email": "ada@example.com",
    "amount": 1000,
    "currency": "NGN",
    "reference": "P1",
    "callback_url": "http://portal.test/back?x=1",
}


@pytest.fixture
async def sandbox(running_sandbox: RunningSandbox) -> RunningSandbox:
    running_sandbox.http.headers["Authorization"] = f"Bearer {paystack.SECRET_KEY}"
    return running_sandbox


async def start(sandbox: RunningSandbox, **changes: object) -> httpx.Response:
    return await sandbox.http.post("/paystack/transaction/initialize", json=ASKED | changes)


async def status(sandbox: RunningSandbox) -> str:
    answer = await sandbox.http.get("/paystack/transaction/verify/P1")
    return str(answer.json()["data"]["status"])


async def test_key_is_needed(sandbox: RunningSandbox) -> None:
    sandbox.http.headers["Authorization"] = "Bearer sk_test_other"
    paths = ("/transaction/verify/P1", "/refund", "/refund/1")
    answers = [await sandbox.http.get(f"/paystack{path}") for path in paths]
    for answer in (await start(sandbox), *answers):
        assert answer.status_code == 401
        assert answer.json() == {"status": False, "message": "Invalid key"}


async def test_reference_is_unique(sandbox: RunningSandbox) -> None:
    first = (await start(sandbox)).json()
    assert (first["status"], first["data"]["reference"]) == (True, "P1")
    again = await start(sandbox, amount=5)
    assert (again.status_code, again.json()["code"]) == (400, "duplicate_reference")
    assert again.json()["type"] == "validation_error"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 0}, "invalid_amount"),
        ({"amount": "10"}, "invalid_amount"),
        ({"amount": 1.5}, "invalid_amount"),
        ({"amount": True}, "invalid_amount"),
        ({"email": "nowhere"}, "invalid_email_address"),
        ({"currency": "GBP"}, "unsupported_currency"),
        ({"reference": "a b"}, "invalid_params"),
    ],
)
async def test_wrong_parameters(
    sandbox: RunningSandbox, changes: dict[str, object], code: str
) -> None:
    answer = await start(sandbox, **changes)
    assert (answer.status_code // 100, answer.json()["code"]) == (4, code)


async def test_unknown_ones(sandbox: RunningSandbox) -> None:
    for path in ("/transaction/verify/NONE", "/refund/1"):
        answer = await sandbox.http.get(f"/paystack{path}")
        assert (answer.status_code, answer.json()["message"]) == (404, "Entity not found")


async def test_page_offers_what_the_state_allows(sandbox: RunningSandbox) -> None:
    page = (await start(sandbox)).json()["data"]["authorization_url"]
    steps = [("cancel", "abandoned"), ("fail", "failed"), ("wait", "pending")]
    steps += [("arrive", "success"), ("refund", "reversed")]
    for button, after in steps:
        assert (await sandbox.http.post(f"{page}/{button}")).status_code == 303
        assert await status(sandbox) == after
    for button in ("approve", "arrive", "refund", "dispute", "lose"):
        assert (await sandbox.http.post(f"{page}/{button}")).status_code == 409
    booked = [(entry["kind"], entry["amount"]) for entry in await sandbox.ledger("paystack")]
    assert booked == [("charge", 1000), ("refund", 1000)]
    assert "<button" not in (await sandbox.http.get(page)).text


async def test_without_a_cancel_address_the_browser_goes_back(sandbox: RunningSandbox) -> None:
    page = (await start(sandbox)).json()["data"]["authorization_url"]
    answer = await sandbox.http.post(f"{page}/cancel")
    assert answer.headers["location"] == "http://portal.test/back?x=1&trxref=P1&reference=P1"


async def test_webhook_is_signed_and_failure_is_silent(sandbox: RunningSandbox) -> None:
    page = (await start(sandbox)).json()["data"]["authorization_url"]
    await sandbox.http.post(f"{page}/fail")
    await sandbox.http.post(f"{page}/approve")
    (delivery,) = await sandbox.receiver.wait_for(1)
    expected = hmac.new(paystack.SECRET_KEY.encode(), delivery.body, "sha512").hexdigest()
    assert delivery.headers["x-paystack-signature"] == expected
    assert delivery.path == "/webhooks/paystack"
    event = json.loads(delivery.body)
    assert (event["event"], event["data"]["reference"]) == ("charge.success", "P1")
    assert not any(name.startswith("_") for name in event["data"])


async def test_refunds(sandbox: RunningSandbox) -> None:
    asked: dict[str, object] = {"transaction": "P1"}
    page = (await start(sandbox)).json()["data"]["authorization_url"]
    unpaid = await sandbox.http.post("/paystack/refund", json=asked)
    assert unpaid.json()["code"] == "transaction_not_successful"
    await sandbox.http.post(f"{page}/approve")
    for wrong in ({"amount": 1001}, {"amount": 0}, {"currency": "USD"}):
        answer = await sandbox.http.post("/paystack/refund", json=asked | wrong)
        assert answer.status_code == 400
    part = (await sandbox.http.post("/paystack/refund", json=asked | {"amount": 400})).json()
    assert (part["data"]["status"], part["data"]["amount"]) == ("pending", 400)
    rest = (await sandbox.http.post("/paystack/refund", json=asked)).json()
    assert rest["data"]["amount"] == 600
    over = await sandbox.http.post("/paystack/refund", json=asked)
    assert over.json()["code"] == "transaction_reversed"
    pages = [
        await sandbox.http.get("/paystack/refund", params={"perPage": 1, "page": number})
        for number in (1, 2, 3)
    ]
    ids = [[refund["id"] for refund in page.json()["data"]] for page in pages]
    assert ids == [[rest["data"]["id"]], [part["data"]["id"]], []]
    future = await sandbox.http.get("/paystack/refund", params={"from": "2999-01-01T00:00:00Z"})
    assert future.json()["data"] == []


async def test_errors_speak_paystack(sandbox: RunningSandbox) -> None:
    await sandbox.fault("paystack", server_error={"times": 1})
    answer = await start(sandbox)
    assert (answer.status_code, answer.json()["type"]) == (500, "api_error")


def test_issues_what_a_merchant_sets() -> None:
    issued = issued_settings("http://127.0.0.1:1/sandbox")
    assert issued["PAYSTACK_API_BASE"] == "http://127.0.0.1:1/sandbox/paystack"
    assert "sandbox" in issued["PAYSTACK_SECRET_KEY"]
