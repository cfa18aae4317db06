"""The page of PayPal's twin on which a payer approves, and what may happen to a paid order."""

from typing import Final

from fastapi import APIRouter, Response

from payments_app.sandbox.pages import Action, back_to, hosted_page
from payments_app.sandbox.paypal_objects import (
    announce,
    approval_url,
    decide_dispute,
    error_body,
    lapsed,
    load,
    make_refund,
    open_dispute,
    refuse_capture,
    take_money,
    with_links,
)
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Here, Provider

pages = APIRouter()

_FUNDING: Final = {"approve": "good", "review": "review", "decline": "declined"}
_PAYER: Final = "SANDBXPAYER22"
_OUTCOMES: Final = {"lose": "RESOLVED_BUYER_FAVOUR", "win": "RESOLVED_SELLER_FAVOUR"}
_LABELS: Final = {
    "approve": "Approve",
    "review": "Approve, but hold the payment for review",
    "decline": "Fail: the funding source is declined",
    "cancel": "Cancel",
    "accept": "Review: accept",
    "deny": "Review: deny",
    "refund": "Refund what is left",
    "dispute": "Open a dispute",
    "lose": "Dispute: the buyer wins",
    "win": "Dispute: the seller wins",
}


async def _choices(tx: Transaction, order: Document) -> list[str]:
    """Name the buttons that the order's state allows."""
    if lapsed(order, tx.now):
        return []
    if order["status"] != "COMPLETED":
        return ["approve", "review", "decline", "cancel"]
    capture = order["purchase_units"][0]["payments"]["captures"][0]
    if capture["status"] == "PENDING":
        return ["accept", "deny"]
    if capture["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
        return []
    dispute = await tx.get("dispute", capture["id"])
    if dispute is None:
        return ["refund", "dispute"]
    return ["lose", "win"] if dispute["status"] == "OPEN" else ["refund"]


@pages.get("/checkoutnow")
async def checkout(here: Here, token: str) -> Response:
    """Show the order to its payer; once it is paid, what may still happen to it."""
    async with here.transaction() as tx:
        order = await load(tx, "order", token)
        choices = await _choices(tx, order)
    unit = order["purchase_units"][0]
    return hosted_page(
        here,
        title="Pay with PayPal",
        merchant=here.merchant,
        amount=unit["amount"]["value"],
        currency=unit["amount"]["currency_code"],
        description=unit.get("description", ""),
        lines=[("Order", order["id"]), ("Status", order["status"])],
        actions=[
            Action(
                _LABELS[name],
                f"{here.url}/checkoutnow/{order['id']}/{name}",
                "primary" if name == "approve" else "plain",
            )
            for name in choices
        ],
    )


@pages.post("/checkoutnow/{order_id}/{choice}")
async def choose(here: Here, order_id: str, choice: str) -> Response:
    """Do what a button of the page says; answers 409 when it is not on the page any more."""
    async with here.transaction() as tx:
        order = await load(tx, "order", order_id)
        if choice not in await _choices(tx, order):
            raise Answer(409, error_body("CONFLICT", "NOT_OFFERED"))
        if choice == "cancel":
            return back_to(order["_cancel_url"], token=order_id)
        if choice in _FUNDING:
            await _approve(here, tx, order, _FUNDING[choice])
            return back_to(order["_return_url"], token=order_id, PayerID=_PAYER)
        await _happen(here, tx, order, choice)
    return back_to(approval_url(here, order_id))


async def _approve(here: Provider, tx: Transaction, order: Document, funding: str) -> None:
    order |= {"status": "APPROVED", "_funding": funding}
    order["payment_source"] = {
        "paypal": {
            "email_address": "ada.sandbox@example.com",
            "account_id": _PAYER,
            "name": {"given_name": "Ada", "surname": "Sandbox"},
        }
    }
    await tx.put("order", order["id"], order)
    await announce(tx, "CHECKOUT.ORDER.APPROVED", "checkout-order", with_links(here, order))


async def _happen(here: Provider, tx: Transaction, order: Document, choice: str) -> None:
    shown = order["purchase_units"][0]["payments"]["captures"][0]
    capture = await load(tx, "capture", shown["id"])
    match choice:
        case "accept":
            await take_money(tx, order, capture)
        case "deny":
            await refuse_capture(tx, order, capture)
        case "refund":
            await make_refund(here, tx, capture, {})
        case "dispute":
            await open_dispute(tx, capture)
        case _:
            await decide_dispute(here, tx, capture, _OUTCOMES[choice])
