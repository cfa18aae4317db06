"""What a browser gets from Stripe: the stand-in for Stripe.js, its card fields, 3-D Secure.

The card fields are frames from the sandbox's address, so that digits never pass the page around
them: the number's frame collects the other two over a BroadcastChannel and posts to the API itself.
"""

from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from payments_app.domain.money import Money
from payments_app.sandbox.card_http import refuse
from payments_app.sandbox.card_intents import authenticate
from payments_app.sandbox.card_objects import load
from payments_app.sandbox.pages import STATIC, Action, back_to, hosted_page, render
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Here, Provider

pages = APIRouter()
_FIELDS = {
    "cardNumber": ("Credit or debit card number", "cc-number", "1234 1234 1234 1234"),
    "cardExpiry": ("Expiry date, month and year", "cc-exp", "MM / YY"),
    "cardCvc": ("Security code, CVC", "cc-csc", "CVC"),
}
Field = Literal["cardNumber", "cardExpiry", "cardCvc"]


@pages.get("/js/v3/")
async def script() -> FileResponse:
    """Serve what stands in for https://js.stripe.com/v3/ (the trailing slash matters)."""
    return FileResponse(STATIC / "stripe" / "v3.js", media_type="text/javascript")


@pages.get("/js/v3/field/{kind}")
async def field(kind: Field, here: Here) -> HTMLResponse:
    """Serve the frame of one card field; its options come in the address's fragment."""
    label, autocomplete, placeholder = _FIELDS[kind]
    return render(
        "stripe_field.html",
        root=_root(here),
        kind=kind,
        label=label,
        autocomplete=autocomplete,
        placeholder=placeholder,
    )


@pages.get("/3ds/{intent_id}")
async def challenge(intent_id: str, client_secret: str, here: Here) -> Response:
    """Ask the customer, as the card's bank would."""
    async with here.transaction() as tx:
        intent = await _shown(tx, intent_id, client_secret)
    if intent["status"] != "requires_action":
        return await _done(here, intent)
    price = Money(intent["amount"], intent["currency"].upper())
    fields = (("client_secret", client_secret),)
    address = f"{here.url}/3ds/{intent_id}"
    return hosted_page(
        here,
        title="3-D Secure",
        merchant=here.merchant,
        amount=price.to_decimal(),
        currency=price.currency,
        description=intent["description"] or intent_id,
        actions=[
            Action("Complete authentication", f"{address}/complete", "primary", fields),
            Action("Fail authentication", f"{address}/fail", "danger", fields),
        ],
    )


@pages.post("/3ds/{intent_id}/{outcome}")
async def answer(
    request: Request, intent_id: str, outcome: Literal["complete", "fail"], here: Here
) -> Response:
    """Take the customer's answer; a second one changes nothing."""
    form = await request.form()
    async with here.transaction() as tx:
        intent = await _shown(tx, intent_id, str(form.get("client_secret", "")))
        intent = await authenticate(tx, intent, passed=outcome == "complete")
    return await _done(here, intent)


async def _shown(tx: Transaction, intent_id: str, client_secret: str) -> Document:
    intent = await load(tx, "payment_intent", intent_id)
    if intent["client_secret"] != client_secret:
        raise refuse("The client_secret does not match.", param="client_secret")
    return intent


async def _done(here: Provider, intent: Document) -> Response:
    async with here.transaction() as tx:
        return_url = await tx.get("return_url", intent["id"])
    if return_url is None:
        return render("stripe_done.html", root=_root(here))
    return back_to(
        return_url["url"],
        payment_intent=intent["id"],
        payment_intent_client_secret=intent["client_secret"],
        redirect_status="succeeded" if intent["status"] == "succeeded" else "failed",
    )


def _root(here: Provider) -> str:
    return urlsplit(here.origin).path
