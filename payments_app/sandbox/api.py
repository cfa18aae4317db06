"""Routes that misbehave as the fault knobs say, and answers that are given only once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from payments_app.sandbox.faults import Fault, fires
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Provider

_PATIENCE_SECONDS = 120
_BEFORE = (Fault.TIMEOUT_BEFORE, Fault.SERVER_ERROR, Fault.RATE_LIMIT)
_AFTER = (
    Fault.TIMEOUT_AFTER,
    Fault.ERROR_AFTER,
    Fault.RESET,
    Fault.SLOW_DRIP,
    Fault.MALFORMED,
    Fault.UNEXPECTED,
)
_UNEXPECTED = (b"{}", b"[]", b"null", b'"ok"', b'{"status": {"status": [true]}, "data": 7}')
_in_flight: set[tuple[str, str]] = set()


class KeyInUse(Exception):
    """A request with the same idempotency key is still running."""


class KeyReused(Exception):
    """The idempotency key came before, with other parameters."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that can be stored and given again."""

    status: int
    body: Document
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> JSONResponse:
        """Return the answer as FastAPI sends it."""
        return JSONResponse(self.body, self.status, self.headers)


def fingerprint(*parts: object) -> str:
    """Condense a request's parameters so that two requests can be compared."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


async def once(
    here: Provider,
    key: str | None,
    parameters: str,
    work: Callable[[Transaction], Awaitable[Reply]],
) -> Reply:
    """Do the work in one transaction, or give the answer stored under the same key.

    ``parameters`` is the request's fingerprint. The answer is stored together with the work, so a
    killed process has either both or neither; what the work raises is not stored. Raises KeyInUse
    and KeyReused.
    """
    if key is None:
        async with here.transaction() as tx:
            return await work(tx)
    running = (here.twin.code, key)
    if running in _in_flight:
        raise KeyInUse(key)
    _in_flight.add(running)
    try:
        async with here.transaction() as tx:
            return await _stored(tx, key, parameters) or await _store(tx, key, parameters, work)
    finally:
        _in_flight.discard(running)


async def _stored(tx: Transaction, key: str, parameters: str) -> Reply | None:
    rows = await tx.execute("SELECT * FROM replies WHERE gateway = ? AND key = ?", tx.gateway, key)
    if not rows:
        return None
    if rows[0]["fingerprint"] != parameters:
        raise KeyReused(key)
    return Reply(rows[0]["status"], json.loads(rows[0]["body"]), {"Idempotent-Replayed": "true"})


async def _store(
    tx: Transaction,
    key: str,
    parameters: str,
    work: Callable[[Transaction], Awaitable[Reply]],
) -> Reply:
    reply = await work(tx)
    await tx.execute(
        "INSERT INTO replies (gateway, key, fingerprint, status, body) VALUES (?, ?, ?, ?, ?)",
        *(tx.gateway, key, parameters, reply.status, json.dumps(reply.body)),
    )
    return reply


class _Silence(Response):
    """Keeps the connection open and says nothing until the caller gives up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass


class _Broken(Response):
    """Promises more than it sends, so that the server closes the connection in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [
            (b"content-type", b"application/json"), (b"content-length", b"1000")]}  # fmt: skip
        await send(start)
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class _Drops(Response):
    """Sends its body byte by byte, so that no single wait is long but the whole is."""

    def __init__(self, response: Response, pause: float) -> None:
        super().__init__(response.body, response.status_code, dict(response.headers))
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        for byte in bytes(self.body):
            drop = {"type": "http.response.body", "body": bytes([byte]), "more_body": True}
            await send(drop)
            await asyncio.sleep(self._pause)
        await send({"type": "http.response.body", "body": b""})


class ApiRoute(APIRoute):
    """A route of a provider's API, with the fault knobs around it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's own handler."""
        handler = super().get_route_handler()

        async def faulty(request: Request) -> Response:
            here: Provider = request.app.state.provider
            call = f"{request.method} {request.url.path}"
            if refusal := await _before(here, call):
                return refusal
            try:
                response = await handler(request)
            except Answer as answer:
                response = answer.response()
            return await _after(here, call, response)

        return faulty


def api_router() -> APIRouter:
    """Make the router for a provider's API."""
    return APIRouter(route_class=ApiRoute)


async def _first(here: Provider, faults: tuple[Fault, ...], call: str) -> tuple[Fault | None, int]:
    async with here.transaction() as tx:
        for fault in faults:
            if (value := await fires(tx, fault, call)) is not None:
                return fault, value
    return None, 0


async def _before(here: Provider, call: str) -> Response | None:
    match await _first(here, _BEFORE, call):
        case Fault.TIMEOUT_BEFORE, _:
            return _Silence()
        case Fault.SERVER_ERROR, status:
            return JSONResponse(here.twin.fault_body(status), status)
        case Fault.RATE_LIMIT, seconds:
            return JSONResponse(here.twin.fault_body(429), 429, {"Retry-After": str(seconds)})
    return None


async def _after(here: Provider, call: str, response: Response) -> Response:
    match await _first(here, _AFTER, call):
        case Fault.TIMEOUT_AFTER, _:
            return _Silence()
        case Fault.ERROR_AFTER, status:
            return JSONResponse(here.twin.fault_body(status), status)
        case Fault.RESET, _:
            return _Broken()
        case Fault.SLOW_DRIP, milliseconds:
            return _Drops(response, milliseconds / 1000)
        case Fault.MALFORMED, _:
            half = bytes(response.body)[: len(response.body) // 2]
            return Response(half, response.status_code, media_type="application/json")
        case Fault.UNEXPECTED, which:
            body = _UNEXPECTED[which % len(_UNEXPECTED)]
            return Response(body, response.status_code, media_type="application/json")
    return response
