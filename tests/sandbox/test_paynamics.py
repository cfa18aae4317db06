"""Paynamics' twin, spoken to as integrations do."""

from typing import Any

import httpx
import pytest

from payments_app.sandbox import paynamics
from tests.support.sandbox import RunningSandbox

AUTH = (paynamics.USERNAME, paynamics.PASSWORD)
TRANSACTION = {
    "request_id": "P1",
    "response_url": "http://portal.test/back",
    "cancel_url": "http://portal.test/cancelled",
    "pmethod": "wallet",
    "pchannel": "gc",
    "payment_action": "url_link",
    "amount": "100.00",
    "currency": "PHP",
    "descriptor_note": "Top-up",
    "expiry_limit": "2099-01-01 00:00:00",
}
CUSTOMER = {"fname": "Ada", "lname": "Byron", "email": "ada@example.com"}


def signed(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "signature": paynamics.signature_of(kind, fields)}


def order(amount: str = "100.00") -> dict[str, Any]:
    return {"orders": [{"totalprice": amount}], "totalorderamount": amount}


async def create(sandbox: RunningSandbox, **changes: Any) -> httpx.Response:
    body = {
        "transaction": signed("transaction", TRANSACTION | changes),
        "customer_info": signed("customer", CUSTOMER),
        "order_details": order(),
    }
    return await post(sandbox, "/", body)


async def post(sandbox: RunningSandbox, path: str, body: object) -> httpx.Response:
    return await sandbox.http.post(f"/paynamics/paygate/transactions{path}", json=body, auth=AUTH)


async def query(sandbox: RunningSandbox, request_id: str, about: str = "P1") -> httpx.Response:
    fields = {"request_id": request_id, "org_trxid": "", "org_trxid2": about}
    return await post(sandbox, "/query", signed("query", fields))


async def cancel(sandbox: RunningSandbox, request_id: str) -> httpx.Response:
    fields = {"request_id": request_id, "org_request_id": "P1", "ip_address": "203.0.113.7"}
    return await post(sandbox, "/cancel", signed("cancel", fields))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["response_code"]


async def test_a_transaction_is_pending_and_has_a_page(running_sandbox: RunningSandbox) -> None:
    answer = await create(running_sandbox)
    assert code(answer) == (200, "GR033")
    body = answer.json()
    assert body["payment_action_info"].endswith("/paynamics/pay/P1")
    assert body["signature"] == paynamics.signature_of("notification", body)
    assert body["timestamp"].endswith("+08:00")


async def test_a_counter_has_a_number_instead(running_sandbox: RunningSandbox) -> None:
    body = (await create(running_sandbox, pmethod="nonbank_otc", pchannel="711_ph")).json()
    assert "payment_action_info" not in body
    (info,) = body["direct_otc_info"]
    assert info["pay_channel"] == "711_ph"
    assert info["pay_reference"].isdigit()


async def test_a_request_id_is_used_once(running_sandbox: RunningSandbox) -> None:
    await create(running_sandbox)
    assert code(await create(running_sandbox)) == (400, "GR011")
    assert code(await query(running_sandbox, "P1")) == (400, "GR011")
    assert code(await query(running_sandbox, "P1Q1")) == (200, "GR033")
    assert code(await query(running_sandbox, "P1Q1")) == (400, "GR011")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"request_id": "P" * 24}, "SB400"),
        ({"amount": "99.00"}, "SB400"),
        ({"amount": "0.00"}, "SB400"),
        ({"currency": "USD"}, "SB400"),
    ],
)
async def test_odd_requests_are_refused(
    running_sandbox: RunningSandbox, changes: dict[str, str], expected: str
) -> None:
    assert code(await create(running_sandbox, **changes)) == (400, expected)


async def test_signatures_and_users_are_checked(running_sandbox: RunningSandbox) -> None:
    body = {"transaction": TRANSACTION | {"signature": "0"}}
    assert code(await post(running_sandbox, "/", body)) == (400, "GR036")
    stranger = await running_sandbox.http.post(
        "/paynamics/paygate/transactions/", json=body, auth=("other", "other")
    )
    assert stranger.status_code == 401


async def test_cancels_only_what_is_open(running_sandbox: RunningSandbox) -> None:
    await create(running_sandbox)
    assert code(await cancel(running_sandbox, "P1C1")) == (200, "GR053")
    assert code(await query(running_sandbox, "P1Q1")) == (200, "GR053")
    await create(running_sandbox, request_id="P2")
    await running_sandbox.http.post("/paynamics/pay/P2/approve")
    assert code(await query(running_sandbox, "P2Q1", "P2")) == (200, "GR001")


async def test_answers_tell_an_amount_only_if_a_knob_changed_it(
    running_sandbox: RunningSandbox,
) -> None:
    await create(running_sandbox)
    await running_sandbox.http.post("/paynamics/pay/P1/approve")
    assert "amount" not in (await query(running_sandbox, "P1Q1")).json()
    await running_sandbox.fault("paynamics", wrong_amount={"value": -100})
    await create(running_sandbox, request_id="P2")
    await running_sandbox.http.post("/paynamics/pay/P2/approve")
    assert (await query(running_sandbox, "P2Q1", "P2")).json()["amount"] == "99.00"


async def test_nothing_is_known_of_strangers(running_sandbox: RunningSandbox) -> None:
    assert (await query(running_sandbox, "P9Q1", "P9")).status_code == 404
    assert (await running_sandbox.http.get("/paynamics/pay/P9")).status_code == 404
