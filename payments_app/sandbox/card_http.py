"""Stripe's way of speaking HTTP: keys, form bodies with brackets, errors, idempotency.

Written after Stripe's OpenAPI description and the error handling of stripe-python 16.1.0.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from fastapi import Request, Response

from payments_app.sandbox.api import KeyInUse, KeyReused, Reply, api_router, fingerprint, once
from payments_app.sandbox.faults import Fault, fires
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Here, Provider, new_id

SECRET_KEY = "sk_test_sandbox_portal"  # noqa: S105  (sandbox only)
PUBLISHABLE_KEY = "pk_test_sandbox_portal"
API_VERSION = "2026-10-28.endive"
_LONGEST_KEY = 255

api = api_router()
ErrorType = Literal["invalid_request_error", "card_error", "idempotency_error", "api_error"]


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request: nested parameters, the ids in its path, its origin.

    ``public`` tells that it came with the publishable key, so from a browser.
    """

    here: Provider
    params: Document
    path: dict[str, str]
    public: bool
    request_id: str
    key: str | None

    def text(self, name: str) -> str | None:
        """Return a parameter that is one value, if it was sent; 400 otherwise."""
        value = self.params.get(name)
        if value is not None and not isinstance(value, str):
            raise refuse(f"Invalid string: {name}", param=name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number, if it was sent; 400 otherwise."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            message = f"Invalid integer: {value}"
            raise refuse(message, code="parameter_invalid_integer", param=name)
        return int(value)

    def section(self, name: str) -> Document:
        """Return nested parameters, empty if none were sent."""
        value = self.params.get(name) or {}
        if not isinstance(value, dict):
            raise refuse("Invalid object", param=name)
        return value

    def known(self, *names: str) -> None:
        """Refuse parameters outside these, as Stripe does."""
        for name in self.params:
            if name not in (*names, "expand", "key", "client_secret", "_stripe_version"):
                message = f"Received unknown parameter: {name}"
                raise refuse(message, code="parameter_unknown", param=name)


Work = Callable[[Transaction, Call], Awaitable[Reply]]


def error_body(kind: ErrorType, message: str, code: str | None = None, **more: object) -> Document:
    """Write an error as Stripe does; ``more`` is param, decline_code, payment_intent ..."""
    error: Document = {"type": kind, "message": message}
    if code:
        error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code}"}
    error |= {name: value for name, value in more.items() if value is not None}
    return {"error": error}


def refuse(
    message: str,
    status: int = 400,
    code: str | None = None,
    kind: ErrorType = "invalid_request_error",
    **more: object,
) -> Answer:
    """Make the refusal of a request, to be raised."""
    return Answer(status, error_body(kind, message, code, **more))


def missing(kind: str, object_id: str, param: str = "id") -> Answer:
    """Make the refusal for an id that names nothing, to be raised."""
    status = 404 if param == "id" else 400
    label = kind.removeprefix("payment_")
    return refuse(f"No such {label}: '{object_id}'", status, "resource_missing", param=param)


def stripe(method: str, path: str, *, public: bool = False) -> Callable[[Work], Work]:
    """Register the work behind one API route; ``public`` ones take the publishable key as well."""

    def register(work: Work) -> Work:
        async def endpoint(request: Request, here: Here) -> Response:
            return await _answer(request, here, work, public=public)

        api.add_api_route(path, endpoint, methods=[method])
        return work

    return register


def decode(raw: str) -> Document:
    """Read a form body or query: ``a[b]=1&c[]=2`` becomes ``{"a": {"b": "1"}, "c": ["2"]}``."""
    tree: Document = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        first, *rest = re.split(r"\]?\[", name.removesuffix("]"))
        node, key = tree, first
        for part in rest:
            inside = node.setdefault(key, {})
            if not isinstance(inside, dict):
                raise refuse("Invalid parameters", param=first)
            node, key = inside, part or str(len(inside))
        node[key] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_lists(value) for value in node.values()]
    return {key: _lists(value) for key, value in node.items()}


async def _answer(request: Request, here: Provider, work: Work, *, public: bool) -> Response:
    request_id = new_id("req_")
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    call = None
    try:
        params = decode(await _raw(request))
        from_browser = _authenticate(request, params, public_allowed=public)
        if key is not None and len(key) > _LONGEST_KEY:
            raise refuse("Idempotency-Key may be at most 255 characters long.")
        call = Call(here, params, dict(request.path_params), from_browser, request_id, key)
        response = (await _once(call, request, work)).response()
    except Answer as refusal:
        response = refusal.response()
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = API_VERSION
    if key is not None:
        response.headers["Idempotency-Key"] = key
    if public:
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def _once(call: Call, request: Request, work: Work) -> Reply:
    parameters = fingerprint(request.method, request.url.path, call.params)
    name = f"{request.method} {request.url.path}"

    async def work_and_answer(tx: Transaction) -> Reply:
        """Do the work; Stripe keeps the answer under the key even where it is a 500."""
        reply = await work(tx, call)
        status = call.key and await fires(tx, Fault.ERROR_AFTER, name)
        return Reply(status, call.here.twin.fault_body(status)) if status else reply

    try:
        return await once(call.here, call.key, parameters, work_and_answer)
    except KeyReused:
        message = "Keys for idempotent requests can only be used with the parameters of the first."
        raise refuse(message, kind="idempotency_error") from None
    except KeyInUse:
        message = "A request with the same idempotency key is still running."
        raise refuse(message, 409, "idempotency_key_in_use", "idempotency_error") from None


async def _raw(request: Request) -> str:
    if request.method == "GET":
        return request.url.query
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise refuse("Invalid UTF-8 in request body") from None


def _authenticate(request: Request, params: Document, *, public_allowed: bool) -> bool:
    """Return whether the caller is a browser with the publishable key; 401 if nobody we know."""
    given = _given_key(request.headers.get("Authorization", "")) or params.get("key")
    if not isinstance(given, str) or not given:
        raise Answer(
            401,
            error_body("invalid_request_error", "You did not provide an API key."),
            {"WWW-Authenticate": 'Basic realm="Stripe"'},
        )
    if hmac.compare_digest(given.encode(), SECRET_KEY.encode()):
        return False
    if not hmac.compare_digest(given.encode(), PUBLISHABLE_KEY.encode()):
        raise refuse(f"Invalid API Key provided: {given[:8]}****", 401)
    if not public_allowed:
        message = "This API call cannot be made with a publishable API key."
        raise refuse(message, 401, "secret_key_required")
    return True


def _given_key(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
