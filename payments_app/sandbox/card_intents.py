"""PaymentIntents: created by the merchant, confirmed by the browser, charged here.

Life of an intent: requires_payment_method -> (requires_confirmation) -> (requires_action) ->
succeeded. A decline puts it back to requires_payment_method with last_payment_error.
"""

import hmac
import json
import re
from typing import Final

from payments_app.domain.money import EXPONENTS
from payments_app.sandbox import faults
from payments_app.sandbox.api import Reply
from payments_app.sandbox.card_http import Call, error_body, refuse, stripe
from payments_app.sandbox.card_numbers import Behaviour, behaviour, take_method
from payments_app.sandbox.card_objects import (
    balance_transaction,
    emit,
    expanded,
    listing,
    load,
    new_charge,
    new_intent,
    own_reference,
    public_view,
    save,
)
from payments_app.sandbox.card_refunds import open_dispute
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer

LARGEST_AMOUNT: Final = 99_999_999
_SMALLEST: Final = {"gbp": 30}
_SMALLEST_OTHERWISE: Final = 50
_OPEN: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
_SHARED_PARAMETERS: Final = (
    "error_on_requires_action", "off_session", "payment_method", "payment_method_data",
    "payment_method_options", "receipt_email", "return_url", "setup_future_usage", "shipping",
    "use_stripe_sdk",
)  # fmt: skip
_CREATE_PARAMETERS: Final = (
    *_SHARED_PARAMETERS, "amount", "automatic_payment_methods", "capture_method", "confirm",
    "currency", "customer", "description", "metadata", "payment_method_types",
    "statement_descriptor", "statement_descriptor_suffix",
)  # fmt: skip
_QUERY = re.compile(r"metadata\['(\w+)'\]:'(\w+)'")
_CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_REFUSED_AUTHENTICATION = (
    "The provided PaymentMethod has failed authentication. You can provide another PaymentMethod to"
    " attempt to fulfill this PaymentIntent again."
)


@stripe("POST", "/v1/payment_intents")
async def create(tx: Transaction, call: Call) -> Reply:
    """Make an intent; with ``confirm`` also try to charge it."""
    call.known(*_CREATE_PARAMETERS)
    amount, currency = _price(call)
    if call.text("capture_method") == "manual":
        raise refuse("The sandbox captures automatically.", param="capture_method")
    method = await take_method(tx, call)
    intent = new_intent(call, amount, currency, method, tx.now)
    await save(tx, intent)
    if call.text("confirm") == "true":
        return await _confirm(tx, call, intent, method)
    return await expanded(tx, call, intent)


@stripe("GET", "/v1/payment_intents")
async def list_intents(tx: Transaction, call: Call) -> Reply:
    """List intents, newest first."""
    return await listing(tx, call, "payment_intent")


@stripe("GET", "/v1/payment_intents/search")
async def search(tx: Transaction, call: Call) -> Reply:
    """Find intents by one metadata field, at once; Stripe's own search lags up to a minute."""
    asked = _QUERY.fullmatch(call.text("query") or "")
    if asked is None:
        raise refuse("We were unable to parse your search query.", param="query")
    rows = await tx.execute(
        "SELECT body FROM objects WHERE gateway = ? AND kind = 'payment_intent'"
        " AND json_extract(body, ?) = ? ORDER BY seq DESC LIMIT 10",
        *(tx.gateway, f'$.metadata."{asked[1]}"', asked[2]),
    )
    page = {
        "object": "search_result",
        "data": [json.loads(row["body"]) for row in rows],
        "has_more": False,
        "next_page": None,
        "url": "/v1/payment_intents/search",
    }
    return await expanded(tx, call, page)


@stripe("GET", "/v1/payment_intents/{intent}", public=True)
async def retrieve(tx: Transaction, call: Call) -> Reply:
    """Look an intent up; a browser must show its client_secret and sees less."""
    intent = await _addressed(tx, call)
    return await expanded(tx, call, public_view(intent) if call.public else intent)


@stripe("POST", "/v1/payment_intents/{intent}/confirm", public=True)
async def confirm(tx: Transaction, call: Call) -> Reply:
    """Try to charge: succeeded, requires_action, or 402 with the intent open again."""
    call.known(*_SHARED_PARAMETERS)
    intent = await _addressed(tx, call)
    if intent["status"] not in _OPEN:
        raise _unexpected(call, intent, "confirm")
    return await _confirm(tx, call, intent, await take_method(tx, call))


@stripe("POST", "/v1/payment_intents/{intent}/cancel")
async def cancel(tx: Transaction, call: Call) -> Reply:
    """Give an open intent up for good."""
    call.known("cancellation_reason")
    reason = call.text("cancellation_reason")
    if reason is not None and reason not in _CANCEL_REASONS:
        raise refuse(f"Invalid cancellation_reason: {reason}", param="cancellation_reason")
    intent = await _addressed(tx, call)
    if intent["status"] not in _OPEN:
        raise _unexpected(call, intent, "cancel")
    intent |= {
        "status": "canceled",
        "canceled_at": int(tx.now),
        "cancellation_reason": reason,
        "next_action": None,
    }
    await save(tx, intent)
    await emit(tx, "payment_intent.canceled", intent, call)
    return await expanded(tx, call, intent)


async def authenticate(tx: Transaction, intent: Document, *, passed: bool) -> Document:
    """Finish 3-D Secure as the customer decided; an intent in any other state stays as it is."""
    if intent["status"] != "requires_action":
        return intent
    method = await load(tx, "payment_method", intent["payment_method"])
    intent["next_action"] = None
    if passed:
        await _charge(tx, None, intent, method, await behaviour(tx, method["id"]))
    else:
        code = "payment_intent_authentication_failure"
        error = error_body(
            "invalid_request_error", _REFUSED_AUTHENTICATION, code, payment_method=method
        )
        await _reopen(tx, None, intent, error["error"])
    return intent


async def _confirm(tx: Transaction, call: Call, intent: Document, method: Document | None) -> Reply:
    if method is None and intent["payment_method"]:
        method = await tx.get("payment_method", intent["payment_method"])
    if method is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise refuse(message, code="payment_intent_unexpected_state", payment_intent=intent)
    intent |= {"payment_method": method["id"], "next_action": None}
    plan = await behaviour(tx, method["id"])
    if plan.authentication:
        await _ask_for_authentication(tx, call, intent)
    else:
        await _charge(tx, call, intent, method, plan)
    seen = public_view(intent) if call.public else intent
    if intent["last_payment_error"]:
        return Reply(402, {"error": {**intent["last_payment_error"], "payment_intent": seen}})
    return await expanded(tx, call, seen)


async def _ask_for_authentication(tx: Transaction, call: Call, intent: Document) -> None:
    address = f"{call.here.url}/3ds/{intent['id']}?client_secret={intent['client_secret']}"
    return_url = call.text("return_url")
    next_action: Document = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": address},
    }
    if return_url:
        action = {"return_url": return_url, "url": address}
        next_action = {"type": "redirect_to_url", "redirect_to_url": action}
        await tx.put("return_url", intent["id"], {"url": return_url})
    intent |= {"status": "requires_action", "next_action": next_action, "last_payment_error": None}
    await save(tx, intent)
    await emit(tx, "payment_intent.requires_action", intent, call)


async def _charge(
    tx: Transaction, call: Call | None, intent: Document, method: Document, plan: Behaviour
) -> None:
    charge = new_charge(intent, method, tx.now)
    intent["latest_charge"] = charge["id"]
    if plan.code:
        await _decline(tx, call, intent, charge, method, plan)
        return
    done = await faults.charged(
        tx,
        reference=own_reference(intent),
        object_id=charge["id"],
        amount=intent["amount"],
        currency=intent["currency"],
        status="succeeded",
    )
    money = {"amount": done.amount, "currency": done.currency.lower()}
    charge |= money | {"amount_captured": done.amount, "captured": True, "paid": True}
    charge["status"] = "succeeded"
    fee = done.amount * 29 // 1000 + 30
    charge["balance_transaction"] = await balance_transaction(tx, charge, done.amount, fee)
    intent |= {
        "amount_received": done.amount,
        "currency": money["currency"],
        "last_payment_error": None,
        "status": done.status,
    }
    await save(tx, charge)
    await save(tx, intent)
    await emit(tx, "charge.succeeded", charge, call)
    await emit(tx, "payment_intent.succeeded", intent, call)
    if plan.disputed:
        await open_dispute(tx, charge, own_reference(intent))


async def _decline(
    tx: Transaction,
    call: Call | None,
    intent: Document,
    charge: Document,
    method: Document,
    plan: Behaviour,
) -> None:
    charge |= {"status": "failed", "failure_code": plan.code, "failure_message": plan.message}
    charge["outcome"] |= {
        "network_status": "declined_by_network",
        "reason": plan.decline_code or plan.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    await save(tx, charge)
    await emit(tx, "charge.failed", charge, call)
    error = error_body(
        "card_error",
        plan.message,
        plan.code,
        charge=charge["id"],
        decline_code=plan.decline_code,
        payment_method=method,
    )
    await _reopen(tx, call, intent, error["error"])


async def _reopen(tx: Transaction, call: Call | None, intent: Document, error: Document) -> None:
    intent |= {
        "last_payment_error": error,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    await save(tx, intent)
    await emit(tx, "payment_intent.payment_failed", intent, call)


async def _addressed(tx: Transaction, call: Call) -> Document:
    intent = await load(tx, "payment_intent", call.path["intent"])
    secret = call.text("client_secret")
    if (call.public or secret is not None) and not hmac.compare_digest(
        (secret or "").encode(), intent["client_secret"].encode()
    ):
        message = "The client_secret provided does not match this PaymentIntent."
        raise refuse(message, code="payment_intent_invalid_parameter", param="client_secret")
    return intent


def _unexpected(call: Call, intent: Document, what: str) -> Answer:
    message = f"You cannot {what} this PaymentIntent because it has a status of {intent['status']}."
    seen = public_view(intent) if call.public else intent
    return refuse(message, code="payment_intent_unexpected_state", payment_intent=seen)


def _price(call: Call) -> tuple[int, str]:
    amount, currency = call.integer("amount"), (call.text("currency") or "").lower()
    if amount is None or not currency:
        param = "amount" if amount is None else "currency"
        raise refuse(f"Missing required param: {param}.", code="parameter_missing", param=param)
    if currency.upper() not in EXPONENTS:
        raise refuse(f"Invalid currency: {currency}.", param="currency")
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise refuse(message, code="parameter_invalid_integer", param="amount")
    smallest = _SMALLEST.get(currency, _SMALLEST_OTHERWISE)
    if amount < smallest:
        message = f"Amount must be at least {smallest} {currency} in the smallest unit."
        raise refuse(message, code="amount_too_small", param="amount")
    if amount > LARGEST_AMOUNT:
        message = f"Amount must be no more than {LARGEST_AMOUNT} in the smallest unit."
        raise refuse(message, code="amount_too_large", param="amount")
    return amount, currency
