"""Paynamics' twin: the JSON PayIn API, a page per transaction, and the counters.

Paths, fields, codes and signatures are those that public integrations agree on. Answers of this
sandbox's own making, where nobody tells Paynamics' code, say ``SB400``.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request, Response

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
from payments_app.sandbox.api import KeyInUse, KeyReused, Reply, api_router, once
from payments_app.sandbox.paynamics_page import (
    CANCELLED,
    COUNTER_METHODS,
    expire_if_late,
    new_response_id,
    pages,
    report,
    timestamp,
)
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import OLD, Answer, Here, Provider, Signed, Twin, new_id

MERCHANT_ID: Final = "000000sandboxmerch"
MERCHANT_KEY: Final = "sandboxkey5f1c0a9e7b3d2846"
USERNAME: Final = "sandbox_user"
PASSWORD: Final = "sandbox_password"  # noqa: S105  (sandbox only)
_LONGEST_ID: Final = 23
_MESSAGES: Final = {
    "GR001": ("Transaction Successful", "Transaction is approved"),
    "GR003": ("Transaction Failed", "Transaction was declined"),
    "GR011": ("Duplicate Request", "The request id was used before"),
    "GR033": ("Transaction Pending", "Transaction is pending"),
    "GR036": ("Invalid Signature", "The signature does not match"),
    "GR053": ("Transaction Cancelled", "Transaction was cancelled"),
    "GR152": ("Transaction Expired", "The time to pay is over"),
}
_SIGNED: Final = {
    "transaction": (
        "request_id notification_url response_url cancel_url pmethod payment_action schedule"
        " collection_method deferred_period deferred_time dp_balance_info amount currency"
        " descriptor_note payment_notification_status payment_notification_channel"
    ),
    "customer": "fname lname mname email phone mobile dob",
    "query": "request_id org_trxid org_trxid2",
    "cancel": "request_id org_request_id ip_address notification_url response_url",
    "notification": (
        "request_id response_id gateway_id response_code response_message response_advise timestamp"
        " processor_response_id processor_response_authcode pay_reference"
    ),
}
"""Which fields are signed, in this order, before the merchant's key; all but the customer's begin
with the merchant's id."""

Work = Callable[[Transaction], Awaitable[Reply]]
"""What a request does, in one transaction."""

api = api_router()


def signature_of(kind: str, fields: Document, key: str = MERCHANT_KEY) -> str:
    """SHA-512 over the fields of one kind of message, joined without separators."""
    values = "".join(str(fields.get(name) or "") for name in _SIGNED[kind].split())
    merchant = "" if kind == "customer" else MERCHANT_ID
    return hashlib.sha512(f"{merchant}{values}{key}".encode()).hexdigest()


def _answer(fields: Document, code: str, **more: Any) -> Reply:
    """Answer as Paynamics does: signed, with a code in words."""
    message, advise = _MESSAGES.get(code, ("Transaction", code))
    body = {
        "merchant_id": MERCHANT_ID,
        "request_id": fields.get("request_id", ""),
        "response_id": fields.get("response_id", ""),
        "response_code": code,
        "response_message": message,
        "response_advise": advise,
        "timestamp": fields.get("timestamp", ""),
        **more,
    }
    body["signature"] = signature_of("notification", body)
    return Reply(200, body)


def _refuse(status: int, code: str, why: str) -> Answer:
    return Answer(status, fault_body(status) | {"response_code": code, "response_advise": why})


async def _body(request: Request) -> dict[str, Any]:
    wanted = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode()):
        raise _refuse(401, "SB400", "Unknown user")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise _refuse(400, "SB400", "Not JSON") from None
    return body if isinstance(body, dict) else {}


def _check(kind: str, fields: Document) -> None:
    if fields.get("signature") != signature_of(kind, fields):
        raise _refuse(400, "GR036", "The signature does not match")


async def _once(here: Provider, fields: Document, work: Work) -> Response:
    """Do the work under a request id, which nobody may use again, not even for the same."""
    request_id = str(fields.get("request_id", ""))
    if not 1 <= len(request_id) <= _LONGEST_ID:
        raise _refuse(400, "SB400", "request_id has 1 to 23 characters")
    try:
        return (await once(here, request_id, new_id(""), work)).response()
    except (KeyInUse, KeyReused):
        raise _refuse(400, "GR011", "The request id was used before") from None


def _check_amounts(transaction: Document, order: Document) -> None:
    try:
        amount = Money.from_decimal(transaction["amount"], transaction["currency"])
        items = [Money.from_decimal(item["totalprice"], "PHP") for item in order["orders"]]
        total = Money.from_decimal(order["totalorderamount"], "PHP")
    except (PortalError, KeyError, AttributeError):
        raise _refuse(400, "SB400", "Wrong amount") from None
    if amount.minor <= 0 or {amount, sum(items, Money(0, "PHP"))} != {total}:
        raise _refuse(400, "SB400", "The order does not add up to the amount")


@api.post("/paygate/transactions/")
async def create(request: Request, here: Here) -> Response:
    """Start a transaction on the channel that the merchant names."""
    body = await _body(request)
    asked, customer = body.get("transaction") or {}, body.get("customer_info") or {}
    _check("transaction", asked)
    _check("customer", customer)
    if not (customer.get("fname") and customer.get("lname")):
        raise _refuse(400, "SB400", "fname and lname are required")
    _check_amounts(asked, body.get("order_details") or {})

    async def work(tx: Transaction) -> Reply:
        transaction = new_transaction(here, asked, tx.now)
        await tx.put("transaction", transaction["request_id"], transaction)
        return _answer(
            transaction,
            "GR033",
            pchannel=asked.get("pchannel"),
            expiry_limit=asked.get("expiry_limit", ""),
            **_how_to_pay(transaction),
        )

    return await _once(here, asked, work)


def new_transaction(here: Provider, asked: Document, now: float) -> Document:
    """Make a transaction that nobody has paid yet."""
    counter = asked.get("pmethod") in COUNTER_METHODS
    transaction: Document = {
        **{name: value for name, value in asked.items() if name != "signature"},
        "response_id": new_response_id(),
        "response_code": "GR033",
        "timestamp": timestamp(now),
        "status": "GR033",
        "page": f"{here.url}/{'counter' if counter else 'pay'}/{asked['request_id']}",
    }
    if counter:
        transaction["pay_reference"] = new_response_id()[-12:]
    return transaction


def _how_to_pay(transaction: Document) -> Document:
    """Name the page, or the number for the counter."""
    if "pay_reference" not in transaction:
        return {"payment_action_info": transaction["page"]}
    info = {
        "pay_channel": transaction.get("pchannel"),
        "pay_reference": transaction["pay_reference"],
        "pay_instructions": (
            "Give the cashier this number and pay the exact amount in cash."
            f" In this sandbox the counter is at {transaction['page']}"
        ),
    }
    return {"direct_otc_info": [info]}


@api.post("/paygate/transactions/query")
async def query(request: Request, here: Here) -> Response:
    """Tell how a transaction stands, by the merchant's own id. Nothing is said of the amount,
    unless a fault knob changed it."""
    fields = await _body(request)
    _check("query", fields)

    async def work(tx: Transaction) -> Reply:
        transaction = await _load(tx, str(fields.get("org_trxid2")))
        told = transaction.get("changed_amount", {})
        return _answer(transaction, transaction["status"], pchannel=transaction["pchannel"], **told)

    return await _once(here, fields, work)


@api.post("/paygate/transactions/cancel")
async def cancel(request: Request, here: Here) -> Response:
    """Cancel a transaction that is still open."""
    fields = await _body(request)
    _check("cancel", fields)

    async def work(tx: Transaction) -> Reply:
        transaction = await _load(tx, str(fields.get("org_request_id")))
        if transaction["status"] == "GR033":
            await report(tx, transaction, CANCELLED)
        return _answer(fields | {"timestamp": timestamp(tx.now)}, transaction["status"])

    return await _once(here, fields, work)


async def _load(tx: Transaction, request_id: str) -> Document:
    transaction = await tx.get("transaction", request_id)
    if transaction is None:
        raise _refuse(404, "SB400", "No such transaction")
    await expire_if_late(tx, transaction)
    return transaction


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """Sign a notification; the signature is one of its fields."""
    message, advise = _MESSAGES.get(event["response_code"], ("Transaction", "Unknown"))
    fields = {
        "merchant_id": MERCHANT_ID,
        **event,
        "response_message": message,
        "response_advise": advise,
    }
    signature = signature_of("notification", fields, MERCHANT_KEY + OLD * old_key)
    body = json.dumps({**fields, "signature": signature}).encode()
    return Signed(body, {"Content-Type": "application/json"}, signature)


def issued(origin: str) -> dict[str, str]:
    """Return the settings that Paynamics would give a merchant, and its address."""
    return {
        "PAYNAMICS_MERCHANT_ID": MERCHANT_ID,
        "PAYNAMICS_MERCHANT_KEY": MERCHANT_KEY,
        "PAYNAMICS_USERNAME": USERNAME,
        "PAYNAMICS_PASSWORD": PASSWORD,
        "PAYNAMICS_API_BASE": f"{origin}/paynamics/paygate/transactions",
    }


def fault_body(status: int) -> Document:
    """Write the error body for an injected 500 or 429."""
    return {
        "response_code": "SB400",
        "response_message": "Request refused",
        "response_advise": f"HTTP {status}",
    }


TWIN = Twin(
    code="paynamics",
    name="Paynamics",
    prefix="/paynamics",
    api=api,
    pages=pages,
    issued=issued,
    sign=sign,
    fault_body=fault_body,
)
