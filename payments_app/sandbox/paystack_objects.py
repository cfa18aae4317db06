"""Paystack's objects: transactions, refunds, disputes, how they look and what they announce.

Shapes are those of Paystack's OpenAPI description and of its page on webhooks. Fields that begin
with "_" are the sandbox's own and never sent.
"""

from datetime import UTC, datetime
from secrets import randbelow
from typing import Final

from payments_app.domain.money import Money
from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, new_id

CURRENCIES: Final = frozenset({"GHS", "KES", "NGN", "USD", "ZAR"})
_SMALLEST_ID: Final = 10**9


def number() -> int:
    """Make an identifier as Paystack does."""
    return _SMALLEST_ID + randbelow(9 * _SMALLEST_ID)


def timestamp(seconds: float) -> str:
    """Write a time as Paystack does (UTC, milliseconds)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def refuse(status: int, message: str, code: str = "", kind: str = "validation_error") -> Answer:
    """Make the refusal of a request, to be raised; Paystack names a code for some only."""
    body: Document = {"status": False, "message": message}
    if code:
        body |= {"meta": {"nextStep": "Correct the request"}, "type": kind, "code": code}
    return Answer(status, body)


def view(body: Document) -> Document:
    """Return what the API shows of an object."""
    return {name: value for name, value in body.items() if not name.startswith("_")}


def new_transaction(tx: Transaction, asked: Document, reference: str) -> Document:
    """Make a transaction that nobody has paid yet; Paystack calls it abandoned."""
    now = timestamp(tx.now)
    return {
        "id": number(),
        "domain": "test",
        "status": "abandoned",
        "reference": reference,
        "receipt_number": None,
        "amount": asked["amount"],
        "message": None,
        "gateway_response": "The transaction was not completed",
        "paid_at": None,
        "created_at": now,
        "channel": "card",
        "currency": asked["currency"],
        "ip_address": "192.0.2.1",
        "metadata": asked.get("metadata") or "",
        "log": None,
        "fees": None,
        "fees_split": None,
        "authorization": {},
        "customer": {
            "id": number(),
            "first_name": "Ada",
            "last_name": "Sandbox",
            "email": asked["email"],
            "customer_code": new_id("CUS_"),
            "phone": "+2348000000000",
            "metadata": "",
            "risk_action": "default",
            "international_format_phone": "+2348000000000",
        },
        "plan": None,
        "split": {},
        "order_id": None,
        "paidAt": None,
        "createdAt": now,
        "requested_amount": asked["amount"],
        "pos_transaction_data": None,
        "source": None,
        "fees_breakdown": None,
        "connect": None,
        "transaction_date": now,
        "plan_object": {},
        "subaccount": {},
        "_access_code": new_id("")[:15],
        "_callback_url": asked.get("callback_url") or "",
        "_refunded": 0,
    }


async def load(tx: Transaction, reference: str) -> Document:
    """Read a transaction by its reference; answers 404."""
    found = await tx.get("transaction", reference)
    if found is None:
        raise refuse(404, "Entity not found")
    return found


async def save(tx: Transaction, transaction: Document) -> None:
    """Write a transaction under its reference."""
    await tx.put("transaction", transaction["reference"], transaction)


async def announce(tx: Transaction, kind: str, data: Document) -> None:
    """Queue a webhook; Paystack gives it no id."""
    await webhooks.post(tx, f"{kind} {data.get('id', '')}", kind, {"event": kind, "data": data})


async def take_money(tx: Transaction, transaction: Document) -> None:
    """Let the payment succeed: the ledger is booked and the webhook queued."""
    done = await faults.charged(
        tx,
        reference=transaction["reference"],
        object_id=str(transaction["id"]),
        amount=transaction["amount"],
        currency=transaction["currency"],
        status="success",
    )
    now = timestamp(tx.now)
    transaction |= {
        "status": done.status,
        "amount": done.amount,
        "currency": done.currency,
        "gateway_response": "Successful",
        "paid_at": now,
        "paidAt": now,
        "fees": done.amount * 15 // 1000,
        "authorization": {
            "authorization_code": new_id("AUTH_"),
            "bin": "408408",
            "last4": "4081",
            "exp_month": "12",
            "exp_year": "2040",
            "channel": "card",
            "card_type": "visa ",
            "bank": "TEST BANK",
            "country_code": "NG",
            "brand": "visa",
            "reusable": True,
            "signature": new_id("SIG_"),
            "account_name": None,
        },
    }
    await save(tx, transaction)
    await announce(tx, "charge.success", view(transaction))


async def make_refund(
    tx: Transaction, transaction: Document, asked: Document, dispute: int | None = None
) -> Document:
    """Give back a transaction, wholly or in part; never more than is left of it.

    Returns the refund as it is first, pending; it is processed right afterwards.
    """
    if transaction["status"] == "reversed":
        raise refuse(400, "Transaction has been fully reversed", "transaction_reversed")
    if transaction["status"] != "success":
        raise refuse(400, "Transaction has not been paid", "transaction_not_successful")
    left = transaction["amount"] - transaction["_refunded"]
    amount = asked.get("amount", left)
    if asked.get("currency", transaction["currency"]) != transaction["currency"]:
        raise refuse(400, "Currency does not match the transaction", "invalid_currency")
    if not isinstance(amount, int) or not 0 < amount <= left:
        raise refuse(400, "Refund amount cannot be more than what is left", "invalid_amount")
    refund = _new_refund(tx, transaction, asked, amount, dispute)
    transaction["_refunded"] += amount
    if amount == left:
        transaction["status"] = "reversed"
    await save(tx, transaction)
    kind = "refund" if dispute is None else "chargeback"
    reference, currency = transaction["reference"], transaction["currency"]
    await tx.book(kind, reference, str(refund["id"]), amount, currency)
    await _announce_refund(tx, transaction, refund)
    processed = refund | {"status": "processed", "refunded_at": timestamp(tx.now)}
    await tx.put("refund", str(refund["id"]), processed)
    await _announce_refund(tx, transaction, processed)
    return refund


def _new_refund(
    tx: Transaction, transaction: Document, asked: Document, amount: int, dispute: int | None
) -> Document:
    now = timestamp(tx.now)
    return {
        "integration": 100001,
        "transaction": transaction["id"],
        "dispute": dispute,
        "settlement": None,
        "id": number(),
        "domain": "test",
        "currency": transaction["currency"],
        "amount": amount,
        "status": "pending",
        "refunded_at": None,
        "refunded_by": "sandbox@example.com",
        "customer_note": asked.get("customer_note") or "Refund",
        "merchant_note": asked.get("merchant_note") or "Refund by the dashboard",
        "deducted_amount": amount,
        "fully_deducted": 1,
        "createdAt": now,
        "bank_reference": None,
        "transaction_reference": transaction["reference"],
        "reason": "",
        "customer": transaction["customer"],
        "refund_type": "full" if amount == transaction["amount"] else "partial",
        "transaction_amount": transaction["amount"],
        "initiated_by": "sandbox@example.com",
        "refund_channel": "card",
        "session_id": None,
        "collect_account_number": False,
    }


def queued(refund: Document, transaction: Document) -> Document:
    """Return a new refund as its creation answers it: with the transaction in it."""
    return refund | {
        "transaction": view(transaction) | {"plan": {}, "subaccount": {"currency": None}},
        "fully_deducted": True,
        "channel": None,
        "expected_at": refund["createdAt"],
        "updatedAt": refund["createdAt"],
    }


async def _announce_refund(tx: Transaction, transaction: Document, refund: Document) -> None:
    processed = refund["status"] == "processed"
    data = {
        "status": refund["status"],
        "transaction_reference": transaction["reference"],
        "refund_reference": str(refund["id"] + 7) if processed else None,
        "amount": str(refund["amount"]),
        "currency": refund["currency"],
        "customer": transaction["customer"],
        "domain": "test",
    }
    await announce(tx, f"refund.{refund['status']}", data)


async def open_dispute(tx: Transaction, transaction: Document) -> None:
    """Let the customer complain about what was not given back yet."""
    dispute: Document = {
        "id": number(),
        "refund_amount": transaction["amount"] - transaction["_refunded"],
        "currency": transaction["currency"],
        "status": "awaiting-merchant-feedback",
        "resolution": None,
        "domain": "test",
        "transaction": {
            name: transaction[name] for name in ("id", "reference", "amount", "currency")
        },
        "customer": transaction["customer"],
        "resolvedAt": None,
        "created_at": timestamp(tx.now),
    }
    await tx.put("dispute", transaction["reference"], dispute)
    await announce(tx, "charge.dispute.create", dispute)


async def decide_dispute(tx: Transaction, transaction: Document, resolution: str) -> None:
    """Resolve the dispute; once it is accepted the customer is refunded."""
    dispute = await tx.get("dispute", transaction["reference"])
    if dispute is None:
        raise refuse(404, "Entity not found")
    now = timestamp(tx.now)
    dispute |= {"status": "resolved", "resolution": resolution, "resolvedAt": now}
    await tx.put("dispute", transaction["reference"], dispute)
    await announce(tx, "charge.dispute.resolve", dispute)
    if resolution == "merchant-accepted":
        await make_refund(tx, transaction, {}, dispute["id"])


def written(transaction: Document) -> str:
    """Return the amount as a person reads it."""
    return Money(transaction["amount"], transaction["currency"]).to_decimal()
