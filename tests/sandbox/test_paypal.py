"""PayPal's twin, spoken to as its documentation says."""

from pathlib import Path

import httpx
import pytest
from cryptography import x509

from payments_app.sandbox import paypal
from payments_app.sandbox.app import issued_settings
from tests.support.sandbox import FakeClock, Receiver, RunningSandbox, sandbox_at

ORDER = {
    "intent": "CAPTURE",
    "purchase_units": [{"custom_id": "P1", "amount": {"currency_code": "USD", "value": "10.00"}}],
    "payment_source": {
        "paypal": {
            "experience_context": {
                "return_url": "http://portal.test/back?x=1",
                "cancel_url": "http://portal.test/cancelled",
            }
        }
    },
}


async def authorise(sandbox: RunningSandbox) -> None:
    answer = await sandbox.http.post(
        "/paypal/v1/oauth2/token",
        auth=(paypal.CLIENT_ID, paypal.CLIENT_SECRET),
        data={"grant_type": "client_credentials"},
    )
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 32400)
    sandbox.http.headers["Authorization"] = f"Bearer {token['access_token']}"


@pytest.fixture
async def sandbox(running_sandbox: RunningSandbox) -> RunningSandbox:
    await authorise(running_sandbox)
    return running_sandbox


async def post(
    sandbox: RunningSandbox, path: str, body: object, key: str = "K1", **headers: str
) -> httpx.Response:
    headers = {"PayPal-Request-Id": key} | headers if key else headers
    return await sandbox.http.post(f"/paypal{path}", json=body, headers=headers)


def issue(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["issue"]


async def approved(sandbox: RunningSandbox, button: str = "approve") -> str:
    order: str = (await post(sandbox, "/v2/checkout/orders", ORDER)).json()["id"]
    await sandbox.http.post(f"/paypal/checkoutnow/{order}/{button}")
    return order


async def test_tokens_are_needed_and_end(tmp_path: Path, receiver: Receiver) -> None:
    clock = FakeClock()
    async with sandbox_at(tmp_path / "s.db", receiver, clock=clock) as sandbox:
        assert (await post(sandbox, "/v2/checkout/orders", ORDER)).status_code == 401
        wrong = await sandbox.http.post("/paypal/v1/oauth2/token", auth=("no", "body"))
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
        await authorise(sandbox)
        assert (await post(sandbox, "/v2/checkout/orders", ORDER)).status_code == 201
        clock.now += 32_401
        assert (await post(sandbox, "/v2/checkout/orders", ORDER)).status_code == 401


async def test_order_has_the_link_to_approve(sandbox: RunningSandbox) -> None:
    answer = await post(sandbox, "/v2/checkout/orders", ORDER)
    order = answer.json()
    assert (answer.status_code, order["status"]) == (201, "PAYER_ACTION_REQUIRED")
    links = {link["rel"]: link["href"] for link in order["links"]}
    assert "purchase_units" not in order
    page = await sandbox.http.get(links["payer-action"])
    assert "10.00 USD" in page.text
    whole = await sandbox.http.get(f"/paypal/v2/checkout/orders/{order['id']}")
    assert whole.json()["purchase_units"][0]["custom_id"] == "P1"
    assert not any(name.startswith("_") for name in whole.json())


async def test_same_key_same_order(sandbox: RunningSandbox) -> None:
    answers = [await post(sandbox, "/v2/checkout/orders", ORDER) for _ in range(2)]
    other = await post(sandbox, "/v2/checkout/orders", ORDER, "K2")
    first, again = (answer.json()["id"] for answer in answers)
    assert first == again
    assert other.json()["id"] != first


async def test_repeat_shows_the_latest_state(sandbox: RunningSandbox) -> None:
    await approved(sandbox)
    again = await post(sandbox, "/v2/checkout/orders", ORDER)
    assert (again.status_code, again.json()["status"]) == (200, "APPROVED")


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        ({"currency_code": "NGN", "value": "1"}, (422, "INVALID_CURRENCY_CODE")),
        ({"currency_code": "USD", "value": "1.001"}, (422, "DECIMAL_PRECISION")),
        ({"currency_code": "HUF", "value": "1.00"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"currency_code": "USD", "value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"currency_code": "USD", "value": "-1"}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"currency_code": "USD", "value": 1}, (400, "INVALID_PARAMETER_SYNTAX")),
        (None, (400, "MISSING_REQUIRED_PARAMETER")),
    ],
)
async def test_wrong_amounts(
    sandbox: RunningSandbox, amount: object, refusal: tuple[int, str]
) -> None:
    body = ORDER | {"purchase_units": [{"amount": amount}]}
    assert issue(await post(sandbox, "/v2/checkout/orders", body)) == refusal


async def test_refuses_what_paypal_refuses(sandbox: RunningSandbox) -> None:
    orders = "/v2/checkout/orders"
    assert issue(await post(sandbox, orders, ORDER, "")) == (400, "PAYPAL_REQUEST_ID_REQUIRED")
    missing = await sandbox.http.get(f"/paypal{orders}/NONE")
    assert issue(missing) == (404, "INVALID_RESOURCE_ID")
    form = await sandbox.http.post(f"/paypal{orders}", data={"intent": "CAPTURE"})
    assert form.status_code == 415
    order = (await post(sandbox, orders, ORDER)).json()["id"]
    capture = f"{orders}/{order}/capture"
    assert issue(await post(sandbox, capture, {}, "C")) == (422, "ORDER_NOT_APPROVED")


async def test_mock_response_header(sandbox: RunningSandbox) -> None:
    order = await approved(sandbox)
    mock = {"PayPal-Mock-Response": '{"mock_application_codes": "INSTRUMENT_DECLINED"}'}
    capture = f"/v2/checkout/orders/{order}/capture"
    assert issue(await post(sandbox, capture, {}, "C", **mock)) == (422, "INSTRUMENT_DECLINED")
    assert (await post(sandbox, capture, {}, "C")).status_code == 201
    assert issue(await post(sandbox, capture, {}, "D")) == (422, "ORDER_ALREADY_CAPTURED")


async def test_browser_comes_back(sandbox: RunningSandbox) -> None:
    order = (await post(sandbox, "/v2/checkout/orders", ORDER)).json()["id"]
    cancelled = await sandbox.http.post(f"/paypal/checkoutnow/{order}/cancel")
    assert cancelled.headers["location"] == f"http://portal.test/cancelled?token={order}"
    approve = await sandbox.http.post(f"/paypal/checkoutnow/{order}/approve")
    assert approve.headers["location"] == (
        f"http://portal.test/back?x=1&token={order}&PayerID=SANDBXPAYER22"
    )


async def test_orders_lapse(tmp_path: Path, receiver: Receiver) -> None:
    clock = FakeClock()
    async with sandbox_at(tmp_path / "s.db", receiver, clock=clock) as sandbox:
        await authorise(sandbox)
        order = await approved(sandbox)
        clock.now += 3 * 3600
        answer = await post(sandbox, f"/v2/checkout/orders/{order}/capture", {}, "C")
        assert issue(answer) == (422, "ORDER_NOT_APPROVED")
        late = await sandbox.http.post(f"/paypal/checkoutnow/{order}/approve")
        assert late.status_code == 409


async def test_page_offers_what_the_state_allows(sandbox: RunningSandbox) -> None:
    order = await approved(sandbox, "review")
    await post(sandbox, f"/v2/checkout/orders/{order}/capture", {}, "C")
    steps = [("accept", 303), ("accept", 409), ("dispute", 303), ("dispute", 409)]
    steps += [("lose", 303), ("lose", 409), ("refund", 303), ("refund", 409)]
    for button, status in steps:
        answer = await sandbox.http.post(f"/paypal/checkoutnow/{order}/{button}")
        assert (button, answer.status_code) == (button, status)
    booked = [entry["kind"] for entry in await sandbox.ledger("paypal")]
    assert booked == ["charge", "chargeback", "refund"]
    page = await sandbox.http.get(f"/paypal/checkoutnow?token={order}")
    assert "<button" not in page.text


async def test_certificate_outlives_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    seen = set()
    for count in (1, 2):
        async with sandbox_at(tmp_path / "s.db", receiver) as sandbox:
            await authorise(sandbox)
            order = await post(sandbox, "/v2/checkout/orders", ORDER, f"K{count}")
            await sandbox.http.post(f"/paypal/checkoutnow/{order.json()['id']}/approve")
            delivery = (await receiver.wait_for(count))[-1]
            certificate = (await sandbox.http.get(delivery.headers["paypal-cert-url"])).content
            seen.add(certificate)
            x509.load_pem_x509_certificate(certificate)
    assert len(seen) == 1


async def test_errors_speak_paypal(sandbox: RunningSandbox) -> None:
    await sandbox.fault("paypal", server_error={"times": 1}, rate_limit={"times": 1})
    answers = [await post(sandbox, "/v2/checkout/orders", ORDER) for _ in range(2)]
    assert [(each.status_code, each.json()["name"]) for each in answers] == [
        (500, "INTERNAL_SERVER_ERROR"),
        (429, "RATE_LIMIT_REACHED"),
    ]


def test_issues_what_a_merchant_sets() -> None:
    issued = issued_settings("http://127.0.0.1:1/sandbox")
    assert issued["PAYPAL_API_BASE"] == "http://127.0.0.1:1/sandbox/paypal"
    assert "sandbox" in issued["PAYPAL_CLIENT_SECRET"]
