"""What follows a charge: refunds, disputes, and reading charges and events."""

from payments_app.sandbox.api import Reply
from payments_app.sandbox.card_http import Call, refuse, stripe
from payments_app.sandbox.card_numbers import behaviour
from payments_app.sandbox.card_objects import (
    balance_transaction,
    emit,
    expanded,
    listing,
    load,
    own_reference,
    save,
)
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import new_id

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_DISPUTE_FEE = 1500
_EVIDENCE = {"winning_evidence": "won", "losing_evidence": "lost"}


@stripe("POST", "/v1/refunds")
async def create_refund(tx: Transaction, call: Call) -> Reply:
    """Pay a charge back, wholly or in part; never more than is left of it."""
    call.known("amount", "charge", "payment_intent", "reason", "metadata")
    charge = await _refundable(tx, call)
    left = charge["amount"] - charge["amount_refunded"]
    amount = call.integer("amount")
    amount = left if amount is None else amount
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise refuse(message, code="parameter_invalid_integer", param="amount")
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise refuse(message, param="amount")
    reason = call.text("reason")
    if reason is not None and reason not in _REASONS:
        raise refuse(f"Invalid reason: {reason}", param="reason")
    plan = await behaviour(tx, charge["payment_method"])
    refund: Document = {
        "id": new_id("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": int(tx.now),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": call.section("metadata"),
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if plan.refund == "late" else "succeeded",
        "transfer_reversal": None,
    }
    refund["balance_transaction"] = await balance_transaction(tx, refund, -amount, 0)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    intent = await load(tx, "payment_intent", charge["payment_intent"])
    await tx.book("refund", own_reference(intent), refund["id"], amount, refund["currency"])
    await save(tx, refund)
    await save(tx, charge)
    await emit(tx, "refund.created", refund, call)
    await emit(tx, "charge.refunded", charge, call)
    first_answer = dict(refund)
    if plan.refund == "late":
        await _finish(tx, refund)
    elif plan.refund == "fails":
        await _fail(tx, refund, charge)
    return await expanded(tx, call, first_answer)


@stripe("GET", "/v1/refunds")
async def list_refunds(tx: Transaction, call: Call) -> Reply:
    """List refunds, newest first, optionally of one charge or intent."""
    return await listing(tx, call, "refund", _matching(call, "charge", "payment_intent"))


@stripe("GET", "/v1/refunds/{refund}")
async def retrieve_refund(tx: Transaction, call: Call) -> Reply:
    """Look a refund up."""
    return await expanded(tx, call, await load(tx, "refund", call.path["refund"]))


@stripe("GET", "/v1/charges")
async def list_charges(tx: Transaction, call: Call) -> Reply:
    """List charges, newest first, optionally of one intent."""
    return await listing(tx, call, "charge", _matching(call, "payment_intent"))


@stripe("GET", "/v1/charges/{charge}")
async def retrieve_charge(tx: Transaction, call: Call) -> Reply:
    """Look a charge up."""
    return await expanded(tx, call, await load(tx, "charge", call.path["charge"]))


@stripe("GET", "/v1/balance")
async def read_balance(tx: Transaction, call: Call) -> Reply:
    """Tell what the account holds; the sandbox pays out at once, so nothing."""
    return Reply(200, {"object": "balance", "available": [], "pending": [], "livemode": False})


@stripe("GET", "/v1/balance_transactions/{transaction}")
async def retrieve_balance_transaction(tx: Transaction, call: Call) -> Reply:
    """Look up what a charge or refund did to the balance, fee included."""
    found = await load(tx, "balance_transaction", call.path["transaction"])
    return await expanded(tx, call, found)


@stripe("GET", "/v1/events")
async def list_events(tx: Transaction, call: Call) -> Reply:
    """List events, newest first, optionally of some ``type`` or ``types[]``."""
    match = _matching(call, "type")
    if types := call.params.get("types"):
        match["type"] = types if isinstance(types, list) else [str(types)]
    return await listing(tx, call, "event", match)


@stripe("GET", "/v1/events/{event}")
async def retrieve_event(tx: Transaction, call: Call) -> Reply:
    """Look an event up."""
    return await expanded(tx, call, await load(tx, "event", call.path["event"]))


@stripe("GET", "/v1/disputes")
async def list_disputes(tx: Transaction, call: Call) -> Reply:
    """List disputes, newest first, optionally of one charge or intent."""
    return await listing(tx, call, "dispute", _matching(call, "charge", "payment_intent"))


@stripe("GET", "/v1/disputes/{dispute}")
async def retrieve_dispute(tx: Transaction, call: Call) -> Reply:
    """Look a dispute up."""
    return await expanded(tx, call, await load(tx, "dispute", call.path["dispute"]))


@stripe("POST", "/v1/disputes/{dispute}")
async def answer_dispute(tx: Transaction, call: Call) -> Reply:
    """Send evidence; as in Stripe's test mode the text ``winning_evidence`` wins at once."""
    dispute = await load(tx, "dispute", call.path["dispute"])
    text = str(call.section("evidence").get("uncategorized_text", ""))
    dispute["evidence"]["uncategorized_text"] = text
    if call.text("submit") != "false":
        dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
        dispute["status"] = "under_review"
    await save(tx, dispute)
    if text in _EVIDENCE:
        await _close(tx, call, dispute, _EVIDENCE[text])
    return await expanded(tx, call, dispute)


@stripe("POST", "/v1/disputes/{dispute}/close")
async def close_dispute(tx: Transaction, call: Call) -> Reply:
    """Accept a dispute as lost."""
    dispute = await load(tx, "dispute", call.path["dispute"])
    await _close(tx, call, dispute, "lost")
    return await expanded(tx, call, dispute)


async def open_dispute(tx: Transaction, charge: Document, reference: str) -> None:
    """Take a charge's money back from the merchant until the dispute is decided."""
    dispute: Document = {
        "id": new_id("du_"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": int(tx.now),
        "currency": charge["currency"],
        "evidence": {"uncategorized_text": None},
        "evidence_details": {
            "due_by": int(tx.now) + 7 * 86400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }
    taken = await balance_transaction(tx, dispute, -dispute["amount"], _DISPUTE_FEE)
    dispute["balance_transactions"] = [await load(tx, "balance_transaction", taken)]
    charge["disputed"] = True
    await tx.book("chargeback", reference, dispute["id"], dispute["amount"], dispute["currency"])
    await save(tx, charge)
    await save(tx, dispute)
    await emit(tx, "charge.dispute.created", dispute)


async def _close(tx: Transaction, call: Call, dispute: Document, status: str) -> None:
    if dispute["status"] in ("won", "lost"):
        raise refuse("This dispute is already closed.")
    dispute["status"] = status
    if status == "won":
        intent = await load(tx, "payment_intent", dispute["payment_intent"])
        money = (dispute["amount"], dispute["currency"])
        await tx.book("chargeback_reversal", own_reference(intent), dispute["id"], *money)
    await save(tx, dispute)
    await emit(tx, "charge.dispute.closed", dispute, call)


async def _refundable(tx: Transaction, call: Call) -> Document:
    charge_id = call.text("charge")
    if intent_id := call.text("payment_intent"):
        intent = await load(tx, "payment_intent", intent_id, "payment_intent")
        charge_id = intent["latest_charge"] if intent["amount_received"] else None
        if charge_id is None:
            message = (
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            )
            raise refuse(message, code="payment_intent_unexpected_state")
    if charge_id is None:
        message = "One of the following params should be provided: payment_intent or charge."
        raise refuse(message, code="parameter_missing")
    charge = await load(tx, "charge", charge_id, "charge")
    if charge["status"] != "succeeded":
        raise refuse("This charge did not succeed.", code="charge_not_refundable")
    if charge["disputed"]:
        raise refuse(f"Charge {charge_id} has been charged back.", code="charge_disputed")
    if charge["refunded"]:
        message = f"Charge {charge_id} has already been refunded."
        raise refuse(message, code="charge_already_refunded")
    return charge


async def _finish(tx: Transaction, refund: Document) -> None:
    refund["status"] = "succeeded"
    await save(tx, refund)
    await emit(tx, "refund.updated", refund)


async def _fail(tx: Transaction, refund: Document, charge: Document) -> None:
    refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    await tx.unbook("refund", refund["id"])
    await save(tx, refund)
    await save(tx, charge)
    await emit(tx, "refund.failed", refund)


def _matching(call: Call, *names: str) -> dict[str, list[str]]:
    return {name: [value] for name in names if (value := call.text(name)) is not None}
