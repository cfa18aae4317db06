"""Paystack's twin: transactions with a hosted page, refunds, disputes and signed webhooks.

Paths, bodies and errors are those of https://paystack.com/docs/api/. All five currencies work.
"""

import hmac
import json
import re
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Query, Request

from payments_app.sandbox.api import api_router
from payments_app.sandbox.paystack_objects import (
    CURRENCIES,
    load,
    make_refund,
    new_transaction,
    number,
    queued,
    refuse,
    save,
    view,
)
from payments_app.sandbox.paystack_page import pages
from payments_app.sandbox.store import Document
from payments_app.sandbox.twin import OLD, Here, Provider, Signed, Twin

SECRET_KEY: Final = "sk_test_sandbox_portal"  # noqa: S105  (sandbox only)

api = api_router()


async def _authorise(request: Request) -> None:
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {SECRET_KEY}".encode()):
        raise refuse(401, "Invalid key")


async def _read_body(request: Request) -> Document:
    await _authorise(request)
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refuse(400, "Invalid JSON", "invalid_json")
    return body


Authorised = Depends(_authorise)
Body = Annotated[Document, Depends(_read_body)]


def _done(message: str, data: object) -> Document:
    return {"status": True, "message": message, "data": data}


@api.post("/transaction/initialize")
async def initialize(here: Here, asked: Body) -> Document:
    """Start a transaction; its reference is unique for ever."""
    reference = str(asked.get("reference") or f"T{number()}")
    if not re.fullmatch(r"[A-Za-z0-9.=-]+", reference):
        raise refuse(400, "Reference contains a forbidden character", "invalid_params")
    if "@" not in str(asked.get("email") or ""):
        raise refuse(400, "Invalid Email Address Passed", "invalid_email_address")
    amount = asked.get("amount")
    if type(amount) is not int or amount <= 0:
        raise refuse(400, "Invalid Amount Sent", "invalid_amount")
    if asked.setdefault("currency", "NGN") not in CURRENCIES:
        raise refuse(403, "Currency not supported by merchant", "unsupported_currency")
    async with here.transaction() as tx:
        if await tx.get("transaction", reference):
            raise refuse(400, "Duplicate Transaction Reference", "duplicate_reference")
        transaction = new_transaction(tx, asked, reference)
        await save(tx, transaction)
        code = transaction["_access_code"]
        await tx.put("access", code, {"reference": reference})
    data = {
        "authorization_url": f"{here.url}/checkout/{code}",
        "access_code": code,
        "reference": reference,
    }
    return _done("Authorization URL created", data)


@api.get("/transaction/verify/{reference}", dependencies=[Authorised])
async def verify(here: Here, reference: str) -> Document:
    """Look a transaction up by its reference."""
    async with here.transaction() as tx:
        return _done("Verification successful", view(await load(tx, reference)))


@api.get("/transaction", dependencies=[Authorised])
async def list_transactions(
    here: Here,
    per_page: Annotated[int, Query(alias="perPage", ge=1, le=100)] = 50,
    page: Annotated[int, Query(ge=1)] = 1,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
) -> Document:
    """List transactions, newest first."""
    async with here.transaction() as tx:
        found = await tx.find(
            "transaction",
            since=since.timestamp() if since else 0,
            before=until.timestamp() if until else None,
            limit=per_page * page,
        )
    shown = [view(each) for each in found[per_page * (page - 1) :]]
    return _done("Transactions retrieved", shown)


@api.get("/balance", dependencies=[Authorised])
async def balance() -> Document:
    """Tell what the account holds; the sandbox pays out at once, so nothing."""
    return _done("Balances retrieved", [{"currency": code, "balance": 0} for code in CURRENCIES])


@api.post("/refund")
async def create_refund(here: Here, asked: Body) -> Document:
    """Give a transaction back, wholly or in part."""
    async with here.transaction() as tx:
        transaction = await load(tx, str(asked.get("transaction") or ""))
        refund = await make_refund(tx, transaction, asked)
    return _done("Refund has been queued for processing", queued(refund, transaction))


@api.get("/refund", dependencies=[Authorised])
async def list_refunds(
    here: Here,
    per_page: Annotated[int, Query(alias="perPage", ge=1, le=100)] = 50,
    page: Annotated[int, Query(ge=1)] = 1,
    since: Annotated[datetime | None, Query(alias="from")] = None,
) -> Document:
    """List refunds, newest first."""
    async with here.transaction() as tx:
        found = await tx.find(
            "refund", since=since.timestamp() if since else 0, limit=per_page * page
        )
    return _done("Refunds retrieved", found[per_page * (page - 1) :])


@api.get("/refund/{refund_id}", dependencies=[Authorised])
async def read_refund(here: Here, refund_id: str) -> Document:
    """Look a refund up."""
    async with here.transaction() as tx:
        refund = await tx.get("refund", refund_id)
    if refund is None:
        raise refuse(404, "Entity not found")
    return _done("Refund retrieved", refund)


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """HMAC-SHA512 of the body under the secret key; https://paystack.com/docs/payments/webhooks/."""
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    key = SECRET_KEY + OLD * old_key
    signature = hmac.new(key.encode(), body, "sha512").hexdigest()
    headers = {"Content-Type": "application/json", "x-paystack-signature": signature}
    return Signed(body, headers, signature)


def issued(origin: str) -> dict[str, str]:
    """Return the settings that Paystack would show in its dashboard, and its address."""
    return {"PAYSTACK_SECRET_KEY": SECRET_KEY, "PAYSTACK_API_BASE": f"{origin}/paystack"}


def fault_body(status: int) -> Document:
    """Write the error body for an injected 500 or 429."""
    return refuse(status, "An error occurred", "unknown", "api_error").body


TWIN = Twin(
    code="paystack",
    name="Paystack",
    prefix="/paystack",
    api=api,
    pages=pages,
    issued=issued,
    sign=sign,
    fault_body=fault_body,
)
