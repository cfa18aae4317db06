"""PayPal's twin: OAuth, Orders v2, captures, refunds, disputes and signed webhooks.

Paths, bodies and errors are those of https://developer.paypal.com/docs/api/orders/v2/ and
/docs/api/payments/v2/.
"""

import asyncio
import base64
import hmac
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from payments_app.sandbox.api import KeyInUse, Reply, api_router, fingerprint, once
from payments_app.sandbox.paypal_objects import (
    approval_url,
    error_body,
    lapsed,
    load,
    make_capture,
    make_refund,
    missing,
    object_id,
    read_money,
    refuse,
    timestamp,
    view,
    with_links,
    write_money,
)
from payments_app.sandbox.paypal_page import pages
from payments_app.sandbox.paypal_report import report
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import OLD, Answer, Here, Provider, Signed, Twin, new_id

CLIENT_ID: Final = "sandbox_client"
CLIENT_SECRET: Final = "sandbox_client_secret"  # noqa: S105  (sandbox only)
WEBHOOK_ID: Final = "sandbox_webhook"
_TOKEN_SECONDS: Final = 32_400
_LONGEST_KEY: Final = 108

api = api_router()


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request: its JSON body and query, the id in its path, whether it asked for
    all."""

    here: Provider
    body: Document
    query: Mapping[str, str]
    wanted: str
    whole: bool
    key: str | None


Work = Callable[[Transaction, Call], Awaitable[Reply]]


def paypal(method: str, path: str) -> Callable[[Work], Work]:
    """Register the work behind one API route: a bearer token is checked, a repeated
    PayPal-Request-Id gets what became of the first, and PayPal-Mock-Response its error."""

    def register(work: Work) -> Work:
        async def endpoint(request: Request, here: Here) -> Response:
            return await _answer(request, here, work)

        api.add_api_route(path, endpoint, methods=[method])
        return work

    return register


async def _answer(request: Request, here: Provider, work: Work) -> Response:
    await _authorise(request, here)
    if mock := request.headers.get("PayPal-Mock-Response"):
        raise refuse(422, json.loads(mock)["mock_application_codes"])
    key = request.headers.get("PayPal-Request-Id")
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise refuse(400, "INVALID_STRING_LENGTH", "INVALID_REQUEST")
    call = Call(
        here,
        await _body(request),
        request.query_params,
        request.path_params.get("wanted", ""),
        request.headers.get("Prefer") == "return=representation",
        key,
    )
    path = request.url.path
    try:
        reply = await once(
            here,
            key and f"{path} {key}",
            fingerprint(path),
            lambda tx: work(tx, call),
        )
    except KeyInUse:
        raise refuse(409, "PREVIOUS_REQUEST_IN_PROGRESS", "RESOURCE_CONFLICT") from None
    repeated = bool(reply.headers)
    return (await _latest(call, path, reply) if repeated else reply).response()


async def _latest(call: Call, path: str, first: Reply) -> Reply:
    """Answer a repeated request with what became of the first one's order or refund."""
    async with call.here.transaction() as tx:
        if path.endswith("/refund"):
            return _shown_refund(call, await load(tx, "refund", first.body["id"]), 200)
        return _shown(call, await load(tx, "order", first.body["id"]), 200)


async def _authorise(request: Request, here: Provider) -> None:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    async with here.transaction() as tx:
        known = await tx.get("token", token)
        if known is None or known["ends"] <= tx.now:
            raise Answer(401, {"error": "invalid_token", "error_description": "Token is invalid"})


async def _body(request: Request) -> Document:
    raw = await request.body()
    if request.method == "POST" and "json" not in request.headers.get("Content-Type", ""):
        raise Answer(415, error_body("UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE"))
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise refuse(400, "MALFORMED_REQUEST_JSON", "INVALID_REQUEST") from None
    return body if isinstance(body, dict) else {}


@api.post("/v1/oauth2/token")
async def token(request: Request, here: Here) -> Document:
    """Exchange the app's id and secret for a token of nine hours."""
    form = await request.form()
    wanted = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    given = request.headers.get("Authorization", "").removeprefix("Basic ")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Answer(401, {"error": "invalid_client", "error_description": "Unknown client"})
    if form.get("grant_type") != "client_credentials":
        raise Answer(400, {"error": "unsupported_grant_type"})
    text = new_id("A21AASANDBOX")
    async with here.transaction() as tx:
        await tx.put("token", text, {"ends": tx.now + _TOKEN_SECONDS})
        nonce = timestamp(tx.now) + object_id()
    return {
        "scope": "https://uri.paypal.com/services/payments/payment",
        "access_token": text,
        "token_type": "Bearer",
        "app_id": "APP-SANDBOX",
        "expires_in": _TOKEN_SECONDS,
        "nonce": nonce,
    }


@paypal("POST", "/v2/checkout/orders")
async def create_order(tx: Transaction, call: Call) -> Reply:
    """Make an order of one purchase unit, to be approved by its payer."""
    units = call.body.get("purchase_units") or []
    if call.body.get("intent") != "CAPTURE" or len(units) != 1:
        raise refuse(400, "MISSING_REQUIRED_PARAMETER", "INVALID_REQUEST")
    source = call.body.get("payment_source")
    if source and call.key is None:
        raise refuse(400, "PAYPAL_REQUEST_ID_REQUIRED", "INVALID_REQUEST")
    context = ((source or {}).get("paypal") or {}).get("experience_context") or {}
    context = context or call.body.get("application_context") or {}
    unit = {"reference_id": "default", **units[0]}
    unit["amount"] = write_money(read_money(unit.get("amount")))
    order: Document = {
        "id": object_id(),
        "intent": "CAPTURE",
        "status": "PAYER_ACTION_REQUIRED" if source else "CREATED",
        "purchase_units": [unit],
        "create_time": timestamp(tx.now),
        "_created": tx.now,
        "_return_url": context.get("return_url", ""),
        "_cancel_url": context.get("cancel_url", ""),
    }
    if source:
        order["payment_source"] = {"paypal": {}}
    await tx.put("order", order["id"], order)
    return _shown(call, order, 201)


@paypal("GET", "/v2/checkout/orders/{wanted}")
async def read_order(tx: Transaction, call: Call) -> Reply:
    """Look an order up."""
    order = await load(tx, "order", call.wanted)
    return Reply(200, with_links(call.here, order))


@paypal("POST", "/v2/checkout/orders/{wanted}/capture")
async def capture_order(tx: Transaction, call: Call) -> Reply:
    """Take the money of an approved order."""
    order = await load(tx, "order", call.wanted)
    if order["status"] == "COMPLETED":
        raise refuse(422, "ORDER_ALREADY_CAPTURED")
    if order["status"] != "APPROVED" or lapsed(order, tx.now):
        raise refuse(422, "ORDER_NOT_APPROVED")
    if order["_funding"] == "declined":
        link = {"href": approval_url(call.here, order["id"]), "rel": "redirect", "method": "GET"}
        raise refuse(422, "INSTRUMENT_DECLINED", links=[link])
    await make_capture(call.here, tx, order, review=order["_funding"] == "review")
    return _shown(call, order, 201)


@paypal("GET", "/v2/payments/captures/{wanted}")
async def read_capture(tx: Transaction, call: Call) -> Reply:
    """Look a capture up."""
    return Reply(200, view(await load(tx, "capture", call.wanted)))


@paypal("POST", "/v2/payments/captures/{wanted}/refund")
async def refund_capture(tx: Transaction, call: Call) -> Reply:
    """Give a captured payment back, wholly or in part."""
    capture = await load(tx, "capture", call.wanted)
    refund = await make_refund(call.here, tx, capture, call.body)
    return _shown_refund(call, refund, 201)


@paypal("GET", "/v2/payments/refunds/{wanted}")
async def read_refund(tx: Transaction, call: Call) -> Reply:
    """Look a refund up."""
    return Reply(200, view(await load(tx, "refund", call.wanted)))


@paypal("GET", "/v1/reporting/transactions")
async def search_transactions(tx: Transaction, call: Call) -> Reply:
    """List what moved money between two moments."""
    return Reply(200, await report(tx, call.query))


@paypal("GET", "/v1/notifications/webhooks/{wanted}")
async def read_webhook(tx: Transaction, call: Call) -> Reply:
    """Show the registration of our one webhook."""
    if call.wanted != WEBHOOK_ID:
        raise refuse(404, "INVALID_RESOURCE_ID", "INVALID_RESOURCE_ID")
    return Reply(200, {"id": WEBHOOK_ID, "event_types": [{"name": "*"}]})


def _shown_refund(call: Call, refund: Document, status: int) -> Reply:
    names = refund if call.whole else ("id", "status", "links")
    return Reply(status, {name: refund[name] for name in names})


def _shown(call: Call, order: Document, status: int) -> Reply:
    body = with_links(call.here, order)
    if not call.whole:
        names = ("id", "status", "payment_source", "links")
        body = {name: body[name] for name in names if name in body}
    return Reply(status, body)


@api.get("/v1/notifications/certs/{name}")
async def certificate(name: str, here: Here) -> Response:
    """The certificate whose key signs the webhooks."""
    async with here.transaction() as tx:
        identity = await tx.get("identity", "webhooks")
    if identity is None or identity["name"] != name:
        raise missing()
    return PlainTextResponse(identity["certificate"])


def _new_identity() -> Document:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "paypal.sandbox.invalid")])
    serial, start = x509.random_serial_number(), datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .sign(key, SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "name": f"CERT-{serial:x}",
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "_key": private.decode(),
    }


async def _identity(here: Provider) -> Document:
    """Return the twin's certificate and key, made when first needed."""
    async with here.transaction() as tx:
        if found := await tx.get("identity", "webhooks"):
            return found
    made = await asyncio.to_thread(_new_identity)
    async with here.transaction() as tx:
        if found := await tx.get("identity", "webhooks"):
            return found
        await tx.put("identity", "webhooks", made)
    return made


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """RSA-SHA256 over id, time, webhook id and the body's CRC-32, all joined by bars.

    https://developer.paypal.com/api/rest/webhooks/rest/
    """
    identity = await _identity(here)
    key = serialization.load_pem_private_key(identity["_key"].encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the twin's key is RSA")
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    transmission, now = new_id(""), timestamp(here.now)
    text = f"{transmission}|{now}|{WEBHOOK_ID}{OLD * old_key}|{zlib.crc32(body)}"
    signature = base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    headers = {
        "Content-Type": "application/json",
        "PAYPAL-TRANSMISSION-ID": transmission,
        "PAYPAL-TRANSMISSION-TIME": now,
        "PAYPAL-TRANSMISSION-SIG": signature,
        "PAYPAL-CERT-URL": f"{here.url}/v1/notifications/certs/{identity['name']}",
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }
    return Signed(body, headers, signature)


def issued(origin: str) -> dict[str, str]:
    """Return the settings that PayPal would show in its dashboard, and its address."""
    return {
        "PAYPAL_CLIENT_ID": CLIENT_ID,
        "PAYPAL_CLIENT_SECRET": CLIENT_SECRET,
        "PAYPAL_WEBHOOK_ID": WEBHOOK_ID,
        "PAYPAL_API_BASE": f"{origin}/paypal",
    }


def fault_body(status: int) -> Document:
    """Write the error body for an injected 500 or 429."""
    if status == 429:
        return error_body("RATE_LIMIT_REACHED", "RATE_LIMIT_REACHED")
    return error_body("INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR")


TWIN = Twin(
    code="paypal",
    name="PayPal",
    prefix="/paypal",
    api=api,
    pages=pages,
    issued=issued,
    sign=sign,
    fault_body=fault_body,
)
