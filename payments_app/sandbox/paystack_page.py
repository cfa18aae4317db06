"""The hosted page of Paystack's twin, and what may happen to a paid transaction."""

from typing import Final

from fastapi import APIRouter, Response

from payments_app.sandbox.pages import Action, back_to, hosted_page
from payments_app.sandbox.paystack_objects import (
    decide_dispute,
    load,
    make_refund,
    open_dispute,
    refuse,
    save,
    take_money,
    written,
)
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Here

pages = APIRouter()

_OUTCOMES: Final = {"lose": "merchant-accepted", "win": "declined"}
_LABELS: Final = {
    "approve": "Approve",
    "wait": "Approve, but let the bank take its time",
    "fail": "Fail: insufficient funds",
    "cancel": "Cancel",
    "arrive": "The bank sends the money",
    "refund": "Refund what is left",
    "dispute": "Open a dispute",
    "lose": "Dispute: accept it",
    "win": "Dispute: it is declined",
}


async def _find(tx: Transaction, access_code: str) -> Document:
    access = await tx.get("access", access_code)
    if access is None:
        raise refuse(404, "Entity not found")
    return await load(tx, access["reference"])


async def _choices(tx: Transaction, transaction: Document) -> list[str]:
    """Name the buttons that the transaction's state allows."""
    if transaction["status"] in ("abandoned", "failed"):
        return ["approve", "wait", "fail", "cancel"]
    if transaction["status"] == "pending":
        return ["arrive", "fail"]
    if transaction["status"] != "success":
        return []
    dispute = await tx.get("dispute", transaction["reference"])
    if dispute is None:
        return ["refund", "dispute"]
    return ["refund"] if dispute["status"] == "resolved" else ["lose", "win"]


@pages.get("/checkout/{access_code}")
async def checkout(here: Here, access_code: str) -> Response:
    """Show the transaction to its payer; once it is paid, what may still happen to it."""
    async with here.transaction() as tx:
        transaction = await _find(tx, access_code)
        choices = await _choices(tx, transaction)
    return hosted_page(
        here,
        title="Pay with Paystack",
        merchant=here.merchant,
        amount=written(transaction),
        currency=transaction["currency"],
        description=transaction["customer"]["email"],
        lines=[("Reference", transaction["reference"]), ("Status", transaction["status"])],
        actions=[
            Action(
                _LABELS[name],
                f"{here.url}/checkout/{access_code}/{name}",
                "primary" if name in ("approve", "arrive") else "plain",
            )
            for name in choices
        ],
    )


@pages.post("/checkout/{access_code}/{choice}")
async def choose(here: Here, access_code: str, choice: str) -> Response:
    """Do what a button of the page says; answers 409 when it is not on the page any more."""
    async with here.transaction() as tx:
        transaction = await _find(tx, access_code)
        if choice not in await _choices(tx, transaction):
            raise refuse(409, "Not offered any more", "not_offered")
        await _happen(tx, transaction, choice)
    reference, metadata = transaction["reference"], transaction["metadata"]
    if choice == "cancel" and isinstance(metadata, dict) and metadata.get("cancel_action"):
        return back_to(metadata["cancel_action"])
    if choice in ("approve", "wait", "fail", "cancel"):
        return back_to(transaction["_callback_url"], trxref=reference, reference=reference)
    return back_to(f"{here.url}/checkout/{access_code}")


async def _happen(tx: Transaction, transaction: Document, choice: str) -> None:
    match choice:
        case "approve" | "arrive":
            await take_money(tx, transaction)
        case "wait":
            transaction |= {"status": "pending", "gateway_response": "Pending"}
            transaction["channel"] = "bank_transfer"
            await save(tx, transaction)
        case "fail":
            transaction |= {"status": "failed", "gateway_response": "Insufficient Funds"}
            await save(tx, transaction)
        case "refund":
            await make_refund(tx, transaction, {})
        case "dispute":
            await open_dispute(tx, transaction)
        case "lose" | "win":
            await decide_dispute(tx, transaction, _OUTCOMES[choice])
