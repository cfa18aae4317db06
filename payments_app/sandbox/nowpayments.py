"""NOWPayments' twin: invoices, the list of payments, single payments and signed messages.

Paths, bodies and errors are those of https://documenter.getpostman.com/view/7907941/S1a32n38.
"""

import hashlib
import hmac
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
from payments_app.sandbox.api import api_router
from payments_app.sandbox.nowpayments_page import number_id, pages, timestamp, write
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import OLD, Answer, Here, Provider, Signed, Twin, new_id

API_KEY: Final = "np_sandbox_api_key"
IPN_KEY: Final = "np_sandbox_ipn_key"
EMAIL: Final = "merchant@sandbox.example"
PASSWORD: Final = "np_sandbox_password"  # noqa: S105  (sandbox only)
_PRICED_IN: Final = frozenset({"AUD", "CAD", "EUR", "GBP", "ILS", "RON", "USD"})
_TOKEN_SECONDS: Final = 300
_EVERYTHING: Final = 1_000_000

api = api_router()


def error_body(status: int, code: str, message: str) -> Document:
    """Write an error as NOWPayments does."""
    return {"status": False, "statusCode": status, "code": code, "message": message}


def _refuse(status: int, code: str, message: str) -> Answer:
    return Answer(status, error_body(status, code, message))


def _authorise(request: Request) -> None:
    if not hmac.compare_digest(request.headers.get("x-api-key", "").encode(), API_KEY.encode()):
        raise _refuse(403, "INVALID_API_KEY", "Invalid api key")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body(), parse_float=Decimal)
    except ValueError:
        raise _refuse(400, "INVALID_REQUEST_PARAMS", "Body is not JSON") from None
    return body if isinstance(body, dict) else {}


def _json(document: Document, status: int = 200) -> Response:
    return Response(write(document), status, media_type="application/json")


def _price(body: dict[str, Any]) -> Money:
    value, currency = body.get("price_amount"), str(body.get("price_currency")).upper()
    if currency not in _PRICED_IN:
        raise _refuse(400, "CURRENCY_UNAVAILABLE", f"Currency {currency} was not found")
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value <= 0:
        raise _refuse(400, "INVALID_REQUEST_PARAMS", "price_amount must be a number")
    try:
        return Money.from_decimal(f"{value:f}", currency)
    except PortalError:
        raise _refuse(400, "INVALID_REQUEST_PARAMS", "price_amount is not exact") from None


@api.get("/v1/status")
async def status() -> Document:
    """Say that the API is up."""
    return {"message": "OK"}


@api.get("/v1/merchant/coins")
async def merchant_coins(request: Request) -> Document:
    """List the coins that the account takes."""
    _authorise(request)
    return {"selectedCurrencies": ["BTC", "ETH", "USDTTRC20"]}


@api.post("/v1/auth")
async def log_in(request: Request, here: Here) -> Document:
    """Exchange the account's log-in for a token of five minutes."""
    body = await _body(request)
    if (body.get("email"), body.get("password")) != (EMAIL, PASSWORD):
        raise _refuse(403, "ACCESS_DENIED", "Wrong email or password")
    token = new_id("np_sandbox_jwt_")
    async with here.transaction() as tx:
        await tx.put("token", token, {"ends": tx.now + _TOKEN_SECONDS})
    return {"token": token}


@api.post("/v1/invoice")
async def create_invoice(request: Request, here: Here) -> Response:
    """Make an invoice; the customer picks the coin on its page."""
    _authorise(request)
    body = await _body(request)
    price = _price(body)
    async with here.transaction() as tx:
        invoice = await new_invoice(here, tx, body, price)
    shown = {
        "price_amount" if name == "price_amount_text" else name: value
        for name, value in invoice.items()
    }
    return Response(json.dumps(shown), 201, media_type="application/json")


async def new_invoice(here: Provider, tx: Transaction, body: Document, price: Money) -> Document:
    """Write an invoice that nobody has paid yet."""
    invoice_id = number_id()
    names = ("ipn_callback_url", "success_url", "cancel_url", "partially_paid_url")
    invoice: Document = {
        "id": invoice_id,
        "token_id": number_id(),
        "order_id": body.get("order_id"),
        "order_description": body.get("order_description"),
        # In an invoice the amount is text, in a payment it is a number.
        "price_amount_text": price.to_decimal(),
        "price_currency": price.currency,
        "pay_currency": None,
        "invoice_url": f"{here.url}/payment/?iid={invoice_id}",
        **{name: body.get(name) for name in names},
        "created_at": timestamp(tx.now),
        "updated_at": timestamp(tx.now),
    }
    await tx.put("invoice", invoice_id, invoice)
    return invoice


@api.get("/v1/payment/")
async def list_payments(
    request: Request,
    here: Here,
    invoice_id: Annotated[str, Query(alias="invoiceId")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 10,
    page: Annotated[int, Query(ge=0)] = 0,
    order: Annotated[str, Query(alias="orderBy", pattern="^(asc|desc)$")] = "desc",
    since: Annotated[date | None, Query(alias="dateFrom")] = None,
    until: Annotated[date | None, Query(alias="dateTo")] = None,
) -> Response:
    """List payments by the time they began; needs the token of a log-in besides the API key."""
    _authorise(request)
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    async with here.transaction() as tx:
        known = await tx.get("token", token)
        if known is None or known["ends"] <= tx.now:
            raise _refuse(401, "AUTH_REQUIRED", "Authorization header is empty or invalid")
        match = {"invoice_id": [invoice_id]} if invoice_id else {}
        payments = await tx.find(
            "payment",
            match=match,
            since=_midnight(since) if since else 0,
            before=_midnight(until) if until else None,
            limit=_EVERYTHING,
        )
    if order == "asc":
        payments.reverse()
    total = len(payments)
    answer = {
        "data": payments[limit * page : limit * (page + 1)],
        "limit": limit,
        "page": page,
        "pagesCount": -(-total // limit),
        "total": total,
    }
    return _json(answer)


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


@api.get("/v1/payment/{payment_id}")
async def read_payment(request: Request, here: Here, payment_id: str) -> Response:
    """Look one payment up."""
    _authorise(request)
    async with here.transaction() as tx:
        payment = await tx.get("payment", payment_id)
    if payment is None:
        raise _refuse(404, "NOT_FOUND", "Payment not found")
    return _json(payment)


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """HMAC-SHA512 over the same JSON with its keys sorted."""
    body, text = write(event).encode(), write(event, in_order=True).encode()
    key = IPN_KEY + OLD * old_key
    signature = hmac.new(key.encode(), text, hashlib.sha512).hexdigest()
    headers = {"Content-Type": "application/json", "x-nowpayments-sig": signature}
    return Signed(body, headers, signature)


def issued(origin: str) -> dict[str, str]:
    """Return the settings that NOWPayments would show, its log-in, and its address."""
    return {
        "NOWPAYMENTS_API_KEY": API_KEY,
        "NOWPAYMENTS_IPN_KEY": IPN_KEY,
        "NOWPAYMENTS_EMAIL": EMAIL,
        "NOWPAYMENTS_PASSWORD": PASSWORD,
        "NOWPAYMENTS_API_BASE": f"{origin}/nowpayments/v1",
    }


def fault_body(status: int) -> Document:
    """Write the error body for an injected 500 or 429."""
    code = "TOO_MANY_REQUESTS" if status == 429 else "INTERNAL_ERROR"
    return error_body(status, code, code.replace("_", " ").capitalize())


TWIN = Twin(
    code="nowpayments",
    name="NOWPayments",
    prefix="/nowpayments",
    api=api,
    pages=pages,
    issued=issued,
    sign=sign,
    fault_body=fault_body,
)
