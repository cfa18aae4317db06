"""The smallest twin there can be: it charges on POST /charges and signs with a plain HMAC."""

import hmac
import json

from fastapi import APIRouter, Request, Response

from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.api import Reply, api_router, fingerprint, once
from payments_app.sandbox.pages import Action, back_to, hosted_page
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Here, Provider, Signed, Twin, new_id

SECRET = b"toy_sandbox_secret"
api = api_router()
pages = APIRouter()


@api.post("/charges")
async def create(request: Request, here: Here) -> Response:
    """Charge ``{"reference", "amount", "currency"}``, once per Idempotency-Key."""
    asked = await request.json()
    if asked["amount"] <= 0:
        raise Answer(400, {"error": "amount"})

    async def work(tx: Transaction) -> Reply:
        charge_id = new_id("ch_")
        done = await faults.charged(
            tx,
            reference=asked["reference"],
            object_id=charge_id,
            amount=asked["amount"],
            currency=asked["currency"],
            status="paid",
        )
        charge = {
            "id": charge_id,
            **asked,
            "amount": done.amount,
            "currency": done.currency,
        }
        charge["status"] = done.status
        await tx.put("charge", charge_id, charge)
        await webhooks.post(tx, new_id("ev_"), "charge.paid", charge)
        return Reply(201, charge)

    key = request.headers.get("Idempotency-Key")
    return (await once(here, key, fingerprint(asked), work)).response()


@api.get("/charges/{charge_id}")
async def read(charge_id: str, here: Here) -> Document:
    """Look one charge up."""
    async with here.transaction() as tx:
        if charge := await tx.get("charge", charge_id):
            return charge
    raise Answer(404, {"error": "unknown"})


@pages.get("/pay")
async def pay(here: Here, description: str) -> Response:
    """A hosted payment page."""
    return hosted_page(
        here,
        title="Pay",
        merchant="Shop",
        amount="1.00",
        currency="USD",
        description=description,
        actions=[Action("Approve", f"{here.url}/approve", "primary", (("token", "a&b"),))],
        lines=[("Reference", "42")],
    )


@pages.post("/approve")
async def approve() -> Response:
    """Send the browser back."""
    return back_to("http://127.0.0.1:1/return?payment=7", token="a&b")


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """HMAC over the body and the time."""
    body = json.dumps(event).encode()
    key = b"toy_sandbox_old" if old_key else SECRET
    text = hmac.new(key, f"{here.now}.".encode() + body, "sha256").hexdigest()
    return Signed(body, {"Toy-Signature": f"{here.now},{text}"}, text)


TWIN = Twin(
    code="toy",
    name="Toy",
    prefix="/toy",
    api=api,
    pages=pages,
    issued=lambda origin: {"TOY_KEY": "toy_sandbox_key", "TOY_API": f"{origin}/toy"},
    sign=sign,
    fault_body=lambda status: {"error": status},
)
