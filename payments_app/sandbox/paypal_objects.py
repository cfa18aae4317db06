"""PayPal's objects: orders, captures, refunds, disputes, how they look and what they announce.

Names and shapes are those of Orders v2, Payments v2 and Disputes v1. Fields that begin with "_" are
the sandbox's own and never sent.
"""

import re
from datetime import UTC, datetime
from secrets import choice
from string import ascii_uppercase, digits
from typing import Final

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Provider

CURRENCIES: Final = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR",
        "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
    }
)  # fmt: skip
_WITHOUT_DECIMALS: Final = frozenset({"HUF", "JPY", "TWD"})
_MESSAGES: Final = {
    "INVALID_REQUEST": "Request is not well-formed, syntactically incorrect, or violates schema.",
    "RATE_LIMIT_REACHED": "Too many requests. Blocked due to rate limiting.",
    "RESOURCE_NOT_FOUND": "The specified resource does not exist.",
    "UNPROCESSABLE_ENTITY": (
        "The requested action could not be performed, semantically incorrect, or failed business"
        " validation."
    ),
}
_ORDER_SECONDS: Final = 3 * 3600
"""How long an order can be approved and captured."""


def object_id() -> str:
    """Make an identifier of 17 letters and digits."""
    return "".join(choice(ascii_uppercase + digits) for _ in range(17))


def timestamp(seconds: float) -> str:
    """Write a time as PayPal does (RFC 3339, UTC)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refuse(status: int, issue: str, name: str = "UNPROCESSABLE_ENTITY", **more: object) -> Answer:
    """Make the refusal of a request, to be raised."""
    return Answer(status, error_body(name, issue, **more))


def error_body(name: str, issue: str, **more: object) -> Document:
    """Write an error as PayPal does; ``more`` is links and the like."""
    details = [{"issue": issue, "description": issue.replace("_", " ").capitalize() + "."}]
    message = _MESSAGES.get(name, "An internal server error has occurred.")
    error: Document = {"name": name, "message": message, "debug_id": object_id()}
    return error | {"details": details, "links": []} | more


def missing() -> Answer:
    """Make the refusal for an id that names nothing, to be raised."""
    return refuse(404, "INVALID_RESOURCE_ID", "RESOURCE_NOT_FOUND")


def read_money(written: object) -> Money:
    """Read an amount that a merchant sent; answers 400 or 422 for a wrong one."""
    if not isinstance(written, dict):
        raise refuse(400, "MISSING_REQUIRED_PARAMETER", "INVALID_REQUEST")
    currency, value = written.get("currency_code"), written.get("value")
    if currency not in CURRENCIES:
        raise refuse(422, "INVALID_CURRENCY_CODE")
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", value):
        raise refuse(400, "INVALID_PARAMETER_SYNTAX", "INVALID_REQUEST")
    if currency in _WITHOUT_DECIMALS and "." in value:
        raise refuse(422, "DECIMALS_NOT_SUPPORTED")
    try:
        money = Money.from_decimal(value, currency)
    except PortalError:
        raise refuse(422, "DECIMAL_PRECISION") from None
    if money.minor <= 0:
        raise refuse(422, "CANNOT_BE_ZERO_OR_NEGATIVE")
    return money


def write_money(money: Money) -> Document:
    """Write an amount as PayPal does."""
    whole = money.currency in _WITHOUT_DECIMALS
    value = money.to_decimal().partition(".")[0] if whole else money.to_decimal()
    return {"currency_code": money.currency, "value": value}


def view(body: Document) -> Document:
    """Return what the API shows of an object."""
    return {name: value for name, value in body.items() if not name.startswith("_")}


def reference_of(order: Document) -> str:
    """Return the merchant's own reference."""
    return str(order["purchase_units"][0].get("custom_id") or order["id"])


def with_links(here: Provider, order: Document) -> Document:
    """Return the order with the links that its status calls for."""
    url = f"{here.url}/v2/checkout/orders/{order['id']}"
    links = [{"href": url, "rel": "self", "method": "GET"}]
    if order["status"] in ("CREATED", "PAYER_ACTION_REQUIRED"):
        rel = "payer-action" if order["status"] == "PAYER_ACTION_REQUIRED" else "approve"
        links.append({"href": approval_url(here, order["id"]), "rel": rel, "method": "GET"})
    if order["status"] == "APPROVED":
        links.append({"href": f"{url}/capture", "rel": "capture", "method": "POST"})
    return view(order) | {"links": links}


def approval_url(here: Provider, order_id: str) -> str:
    """Return the address of the page on which the customer approves."""
    return f"{here.url}/checkoutnow?token={order_id}"


def lapsed(order: Document, now: float) -> bool:
    """Whether an order's three hours are over without a capture."""
    return bool(now >= order["_created"] + _ORDER_SECONDS and order["status"] != "COMPLETED")


async def load(tx: Transaction, kind: str, wanted: str) -> Document:
    """Read an object; answers 404."""
    found = await tx.get(kind, wanted)
    if found is None:
        raise missing()
    return found


async def announce(tx: Transaction, kind: str, resource_type: str, resource: Document) -> None:
    """Queue a webhook with a snapshot of its resource."""
    event = {
        "id": f"WH-{object_id()}-{object_id()}",
        "create_time": timestamp(tx.now),
        "resource_type": resource_type,
        "event_type": kind,
        "event_version": "1.0",
        "resource_version": "2.0",
        "summary": kind,
        "resource": view(resource),
        "links": [],
    }
    await webhooks.post(tx, str(event["id"]), kind, event)


async def make_capture(
    here: Provider, tx: Transaction, order: Document, *, review: bool
) -> Document:
    """Capture an order; with ``review`` the money waits until somebody decides."""
    capture_id = object_id()
    url = f"{here.url}/v2/payments/captures/{capture_id}"
    unit = order["purchase_units"][0]
    capture: Document = {
        "id": capture_id,
        "status": "PENDING",
        "amount": unit["amount"],
        "final_capture": True,
        "create_time": timestamp(tx.now),
        "supplementary_data": {"related_ids": {"order_id": order["id"]}},
        "links": [
            {"href": url, "rel": "self", "method": "GET"},
            {"href": f"{url}/refund", "rel": "refund", "method": "POST"},
            {
                "href": f"{here.url}/v2/checkout/orders/{order['id']}",
                "rel": "up",
                "method": "GET",
            },
        ],
    }
    capture |= {name: unit[name] for name in ("custom_id", "invoice_id") if name in unit}
    order["status"] = "COMPLETED"
    if review:
        capture["status_details"] = {"reason": "PENDING_REVIEW"}
        await save_capture(tx, order, capture)
        await announce(tx, "PAYMENT.CAPTURE.PENDING", "capture", capture)
    else:
        await take_money(tx, order, capture)
    await announce(tx, "CHECKOUT.ORDER.COMPLETED", "checkout-order", with_links(here, order))
    return capture


async def take_money(tx: Transaction, order: Document, capture: Document) -> None:
    """Complete a capture: the ledger is booked and the webhook queued."""
    asked = read_money(capture["amount"])
    done = await faults.charged(
        tx,
        reference=reference_of(order),
        object_id=capture["id"],
        amount=asked.minor,
        currency=asked.currency,
        status="COMPLETED",
    )
    gross = Money(done.amount, done.currency)
    fee = Money(min(gross.minor, gross.minor * 349 // 10_000 + 49), gross.currency)
    capture |= {"status": done.status, "amount": write_money(gross)}
    capture["seller_receivable_breakdown"] = {
        "gross_amount": write_money(gross),
        "paypal_fee": write_money(fee),
        "net_amount": write_money(gross - fee),
    }
    capture.pop("status_details", None)
    await save_capture(tx, order, capture)
    await announce(tx, "PAYMENT.CAPTURE.COMPLETED", "capture", capture)


async def refuse_capture(tx: Transaction, order: Document, capture: Document) -> None:
    """End a capture under review without money."""
    capture |= {"status": "DECLINED", "status_details": {"reason": "OTHER"}}
    await save_capture(tx, order, capture)
    await announce(tx, "PAYMENT.CAPTURE.DENIED", "capture", capture)


async def save_capture(tx: Transaction, order: Document, capture: Document) -> None:
    """Write a capture, and the order that shows it."""
    order["purchase_units"][0]["payments"] = {"captures": [view(capture)]}
    await tx.put("capture", capture["id"], capture)
    await tx.put("order", order["id"], order)


async def make_refund(
    here: Provider, tx: Transaction, capture: Document, asked: Document
) -> Document:
    """Give back a capture, wholly or in part; never more than is left of it."""
    if capture["status"] == "REFUNDED":
        raise refuse(422, "CAPTURE_FULLY_REFUNDED")
    if capture["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
        raise refuse(422, "PENDING_CAPTURE")
    left = _left(capture)
    amount = read_money(asked["amount"]) if "amount" in asked else left
    if amount.currency != left.currency:
        raise refuse(422, "CURRENCY_MISMATCH")
    if amount.minor > left.minor:
        raise refuse(422, "REFUND_AMOUNT_EXCEEDED")
    refund_id = object_id()
    refund: Document = {
        "id": refund_id,
        "status": "COMPLETED",
        "amount": write_money(amount),
        "create_time": timestamp(tx.now),
        "links": [
            {
                "href": f"{here.url}/v2/payments/refunds/{refund_id}",
                "rel": "self",
                "method": "GET",
            },
            {
                "href": f"{here.url}/v2/payments/captures/{capture['id']}",
                "rel": "up",
                "method": "GET",
            },
        ],
    }
    given = ("custom_id", "invoice_id", "note_to_payer")
    refund |= {name: asked[name] for name in given if name in asked}
    capture["_refunded"] = capture.get("_refunded", 0) + amount.minor
    capture["status"] = "REFUNDED" if amount == left else "PARTIALLY_REFUNDED"
    order = await order_of(tx, capture)
    await save_capture(tx, order, capture)
    await tx.put("refund", refund_id, refund)
    await tx.book("refund", reference_of(order), refund_id, amount.minor, amount.currency)
    await announce(tx, "PAYMENT.CAPTURE.REFUNDED", "refund", refund)
    return refund


def _left(capture: Document) -> Money:
    gross = read_money(capture["amount"])
    return Money(gross.minor - capture.get("_refunded", 0), gross.currency)


async def order_of(tx: Transaction, capture: Document) -> Document:
    """Read the order behind a capture."""
    return await load(tx, "order", capture["supplementary_data"]["related_ids"]["order_id"])


async def open_dispute(tx: Transaction, capture: Document) -> None:
    """Let the customer complain, once per capture, about what was not given back yet."""
    dispute: Document = {
        "dispute_id": f"PP-D-{capture['id']}",
        "create_time": timestamp(tx.now),
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": "OPEN",
        "dispute_amount": write_money(_left(capture)),
        "disputed_transactions": [
            {
                "seller_transaction_id": capture["id"],
                "gross_amount": capture["amount"],
                "custom": capture.get("custom_id", ""),
                "buyer": {"name": "Ada Sandbox"},
            }
        ],
    }
    await tx.put("dispute", capture["id"], dispute)
    await announce(tx, "CUSTOMER.DISPUTE.CREATED", "dispute", dispute)


async def decide_dispute(here: Provider, tx: Transaction, capture: Document, outcome: str) -> None:
    """Resolve the dispute; in the buyer's favour the money is taken back from the merchant."""
    dispute = await load(tx, "dispute", capture["id"])
    dispute |= {"status": "RESOLVED", "dispute_outcome": {"outcome_code": outcome}}
    await tx.put("dispute", capture["id"], dispute)
    await announce(tx, "CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute)
    if outcome != "RESOLVED_BUYER_FAVOUR":
        return
    amount = read_money(dispute["dispute_amount"])
    reference = reference_of(await order_of(tx, capture))
    await tx.book("chargeback", reference, dispute["dispute_id"], amount.minor, amount.currency)
    up = f"{here.url}/v2/payments/captures/{capture['id']}"
    reversal = {
        "id": object_id(),
        "status": "COMPLETED",
        "amount": dispute["dispute_amount"],
        "links": [{"href": up, "rel": "up", "method": "GET"}],
    }
    await announce(tx, "PAYMENT.CAPTURE.REVERSED", "refund", reversal)
