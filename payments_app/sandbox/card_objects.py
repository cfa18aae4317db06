"""Stripe's objects: how they look, how they are found, listed and expanded, and their events."""

import re
from typing import Any

from payments_app.sandbox import webhooks
from payments_app.sandbox.api import Reply
from payments_app.sandbox.card_http import API_VERSION, Call, missing, refuse
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import new_id

_KIND_BY_PREFIX = {
    "pi": "payment_intent",
    "ch": "charge",
    "re": "refund",
    "pm": "payment_method",
    "txn": "balance_transaction",
    "du": "dispute",
}
_PUBLIC_FIELDS = (
    "id", "object", "amount", "automatic_payment_methods", "canceled_at", "cancellation_reason",
    "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
    "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_types",
    "processing", "receipt_email", "setup_future_usage", "shipping", "status",
)  # fmt: skip
_LARGEST_PAGE = 100


def own_reference(intent: Document) -> str:
    """Return the merchant's own reference: ``metadata[reference]``, else the intent's id."""
    return str(intent["metadata"].get("reference") or intent["id"])


def public_view(intent: Document) -> Document:
    """Return what a browser with the publishable key may see of an intent."""
    return {name: intent[name] for name in _PUBLIC_FIELDS}


async def load(tx: Transaction, kind: str, object_id: str, param: str = "id") -> Document:
    """Read an object or raise Stripe's resource_missing."""
    found = await tx.get(kind, object_id)
    if found is None:
        raise missing(kind, object_id, param)
    return found


async def save(tx: Transaction, body: Document) -> None:
    """Write an object under its own kind and id."""
    await tx.put(body["object"], body["id"], body)


async def emit(
    tx: Transaction, event_type: str, subject: Document, call: Call | None = None
) -> None:
    """Keep an event with a snapshot of its subject and queue it for the portal."""
    event: Document = {
        "id": new_id("evt_"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(tx.now),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {
            "id": call.request_id if call else None,
            "idempotency_key": call.key if call else None,
        },
        "type": event_type,
    }
    await save(tx, event)
    await webhooks.post(tx, event["id"], event_type, event)


async def expanded(tx: Transaction, call: Call, body: Document, status: int = 200) -> Reply:
    """Answer with an object after replacing ids by objects as ``expand[]`` asks."""
    paths = call.params.get("expand") or []
    if not isinstance(paths, list):
        raise refuse("Invalid array", param="expand")
    for path in paths:
        await _expand(tx, body, str(path).split("."))
    return Reply(status, body)


async def listing(
    tx: Transaction,
    call: Call,
    kind: str,
    match: dict[str, list[str]] | None = None,
) -> Reply:
    """Answer a list call: newest first, with ``limit``, ``starting_after`` and ``created[...]``."""
    limit = call.integer("limit") or 10
    if not 1 <= limit <= _LARGEST_PAGE:
        raise refuse(f"Invalid integer: limit must be 1 to {_LARGEST_PAGE}", param="limit")
    after = call.text("starting_after")
    if after is not None:
        await load(tx, kind, after, "starting_after")
    since, before = _created(call)
    found = await tx.find(
        kind, match=match, after=after, since=since, before=before, limit=limit + 1
    )
    page = {
        "object": "list",
        "data": found[:limit],
        "has_more": len(found) > limit,
        "url": f"/v1/{kind}s",
    }
    return await expanded(tx, call, page)


def new_intent(
    call: Call, amount: int, currency: str, method: Document | None, now: float
) -> Document:
    """Make an intent from a create call's parameters."""
    intent_id = new_id("pi_")
    automatic = call.section("automatic_payment_methods").get("enabled") == "true"
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True}
        if automatic
        else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": call.text("capture_method") or "automatic_async",
        "client_secret": new_id(f"{intent_id}_secret_"),
        "confirmation_method": "automatic",
        "created": int(now),
        "currency": currency,
        "customer": call.text("customer"),
        "description": call.text("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": call.section("metadata"),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": method["id"] if method else None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": call.params.get("payment_method_types") or ["card"],
        "processing": None,
        "receipt_email": call.text("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": call.text("statement_descriptor_suffix"),
        "status": "requires_confirmation" if method else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def new_charge(intent: Document, method: Document, now: float) -> Document:
    """Make a charge of the intent's amount that has not yet been decided."""
    return {
        "id": new_id("ch_"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SANDBOX",
        "captured": False,
        "created": int(now),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 10,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": "card", "card": _used_card(method)},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }


async def balance_transaction(tx: Transaction, source: Document, amount: int, fee: int) -> str:
    """Write what an object did to the merchant's balance; minor units, signed. Returns its id."""
    body: Document = {
        "id": new_id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": int(tx.now),
        "created": int(tx.now),
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [],
        "net": amount - fee,
        "reporting_category": source["object"],
        "source": source["id"],
        "status": "available",
        "type": "adjustment" if source["object"] == "dispute" else source["object"],
    }
    await save(tx, body)
    return str(body["id"])


def _used_card(method: Document) -> Document:
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    card = {name: method["card"][name] for name in (*kept, "last4", "wallet")}
    return card | {"installments": None, "network": card["brand"], "three_d_secure": None}


async def _expand(tx: Transaction, node: Any, path: list[str]) -> None:
    if isinstance(node, list):
        for item in node:
            await _expand(tx, item, path)
        return
    name, *rest = path
    if not isinstance(node, dict) or name not in node:
        raise refuse(f"This property cannot be expanded ({name}).", param="expand")
    if isinstance(node[name], str) and (kind := _KIND_BY_PREFIX.get(node[name].partition("_")[0])):
        node[name] = await tx.get(kind, node[name])
    if rest and node[name] is not None:
        await _expand(tx, node[name], rest)


def _created(call: Call) -> tuple[float, float | None]:
    """Return the bounds of creation as (from, before)."""
    bounds = call.params.get("created")
    if isinstance(bounds, str):
        second = _second(bounds)
        return second, second + 1
    limits = {name: _second(str(text)) for name, text in call.section("created").items()}
    lower = max(limits.get("gte", 0), limits.get("gt", -1) + 1)
    upper = [limits[name] + extra for name, extra in (("lt", 0), ("lte", 1)) if name in limits]
    return lower, min(upper, default=None)


def _second(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise refuse(f"Invalid timestamp: {text}", param="created")
    return int(text)
