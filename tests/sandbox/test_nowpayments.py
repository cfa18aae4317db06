"""NOWPayments' twin, spoken to as its documentation says."""

import json
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from payments_app.sandbox import nowpayments
from tests.support.sandbox import FakeClock, Receiver, RunningSandbox, sandbox_at

HEADERS = {"x-api-key": nowpayments.API_KEY}
INVOICE = {
    "price_amount": 12.5,
    "price_currency": "usd",
    "order_id": "P1",
    "order_description": "Top-up",
    "success_url": "http://portal.test/back?x=1",
    "cancel_url": "http://portal.test/cancelled",
    "partially_paid_url": "http://portal.test/part",
}


async def post(sandbox: RunningSandbox, path: str, body: object, **headers: str) -> httpx.Response:
    return await sandbox.http.post(f"/nowpayments{path}", json=body, headers=HEADERS | headers)


async def get(sandbox: RunningSandbox, path: str, **headers: str) -> httpx.Response:
    return await sandbox.http.get(f"/nowpayments{path}", headers=HEADERS | headers)


async def log_in(sandbox: RunningSandbox) -> str:
    body = {"email": nowpayments.EMAIL, "password": nowpayments.PASSWORD}
    token: str = (await post(sandbox, "/v1/auth", body)).json()["token"]
    return f"Bearer {token}"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert (body["status"], body["statusCode"]) == (False, answer.status_code)
    return answer.status_code, body["code"]


async def test_is_up(running_sandbox: RunningSandbox) -> None:
    assert (await get(running_sandbox, "/v1/status")).json() == {"message": "OK"}


async def test_an_invoice_has_its_amount_as_text(running_sandbox: RunningSandbox) -> None:
    answer = await post(running_sandbox, "/v1/invoice", INVOICE)
    invoice = answer.json()
    assert answer.status_code == 201
    assert (invoice["price_amount"], invoice["price_currency"]) == ("12.50", "USD")
    assert invoice["id"].isdigit()
    assert invoice["invoice_url"].endswith(f"/nowpayments/payment/?iid={invoice['id']}")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price_amount": "12.5"}, (400, "INVALID_REQUEST_PARAMS")),
        ({"price_amount": True}, (400, "INVALID_REQUEST_PARAMS")),
        ({"price_amount": 0}, (400, "INVALID_REQUEST_PARAMS")),
        ({"price_amount": 0.001}, (400, "INVALID_REQUEST_PARAMS")),
        ({"price_currency": "php"}, (400, "CURRENCY_UNAVAILABLE")),
    ],
)
async def test_odd_invoices_are_refused(
    running_sandbox: RunningSandbox, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    assert refusal(await post(running_sandbox, "/v1/invoice", INVOICE | changes)) == expected


async def test_keys_are_checked(running_sandbox: RunningSandbox) -> None:
    wrong = {"x-api-key": "wrong"}
    answer = await post(running_sandbox, "/v1/invoice", INVOICE, **wrong)
    assert refusal(answer) == (403, "INVALID_API_KEY")
    assert refusal(await get(running_sandbox, "/v1/payment/")) == (401, "AUTH_REQUIRED")
    assert refusal(await get(running_sandbox, "/v1/payment/1")) == (404, "NOT_FOUND")
    answer = await post(running_sandbox, "/v1/auth", {"email": "a", "password": "b"})
    assert refusal(answer) == (403, "ACCESS_DENIED")


async def test_a_log_in_lasts_five_minutes(tmp_path: Path, receiver: Receiver) -> None:
    clock = FakeClock()
    async with sandbox_at(tmp_path / "s.db", receiver, clock=clock) as running:
        token = await log_in(running)
        assert (await get(running, "/v1/payment/", Authorization=token)).status_code == 200
        clock.now += 300
        assert (await get(running, "/v1/payment/", Authorization=token)).status_code == 401


async def test_payments_have_numbers_as_javascript_writes_them(
    running_sandbox: RunningSandbox,
) -> None:
    invoice = (await post(running_sandbox, "/v1/invoice", INVOICE)).json()
    answer = await running_sandbox.http.post(f"/nowpayments/payment/{invoice['id']}/all")
    payment_id = httpx.URL(answer.headers["location"]).params["NP_id"]
    text = (await get(running_sandbox, f"/v1/payment/{payment_id}")).text
    assert '"price_amount":12.5,' in text
    assert f'"payment_id":{payment_id},' in text
    assert '"serviceFee":1e-7' in text
    token = await log_in(running_sandbox)
    listing = await get(
        running_sandbox, f"/v1/payment/?invoiceId={invoice['id']}", Authorization=token
    )
    (payment,) = json.loads(listing.text, parse_float=Decimal)["data"]
    assert payment["payment_status"] == "finished"
    assert payment["actually_paid"] == payment["pay_amount"] == Decimal("12.52125")


async def test_the_page_offers_what_the_state_allows(running_sandbox: RunningSandbox) -> None:
    invoice = (await post(running_sandbox, "/v1/invoice", INVOICE)).json()
    page = f"/nowpayments/payment/{invoice['id']}"
    first = (await running_sandbox.http.get(invoice["invoice_url"])).text
    for label in ("Pay all", "Pay part", "Pay too much", "Pay late", "Fail", "Cancel"):
        assert label in first
    answer = await running_sandbox.http.post(f"{page}/part")
    assert answer.headers["location"].startswith("http://portal.test/part?NP_id=")
    second = (await running_sandbox.http.get(invoice["invoice_url"])).text
    assert "Pay the rest" in second
    assert "Pay all" not in second
    assert (await running_sandbox.http.post(f"{page}/all")).status_code == 409
    assert (await running_sandbox.http.get("/nowpayments/payment/?iid=1")).status_code == 404
