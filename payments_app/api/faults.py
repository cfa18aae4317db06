"""Each request's reference, and what is answered when the portal itself fails."""

import secrets
from typing import Final

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payments_app.domain.errors import DatabaseBusy
from payments_app.domain.languages import later
from payments_app.services import logs
from payments_app.services.catalogues import say
from payments_app.services.places import LOCALE_COOKIE, speak_with

log = structlog.get_logger()

REFERENCE_HEADER: Final = b"x-request-id"
_RETRY_SECONDS: Final = 5
_BUSY: Final = later(
    "The portal is very busy right now. Try again in a moment. Reference: {reference}"
)
_FAILED: Final = later("Something went wrong on our side. Reference: {reference}")


def begin(scope: Scope) -> str:
    """Name a request by a reference, which is returned, for its log lines and ``request.state``."""
    reference = secrets.token_hex(4)
    logs.begin(reference)
    scope.setdefault("state", {})["reference"] = reference
    return reference


class RequestReference:
    """Names each request by a reference, in its log lines and in the answer's X-Request-Id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its route finds the reference in ``request.state``."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reference = begin(scope)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (REFERENCE_HEADER, reference.encode())]
            await send(message)

        await self._app(scope, receive, named)


def answer_faults(app: FastAPI) -> None:
    """Give each request a reference, and answer faults with it: 503 when busy, otherwise 500."""
    app.add_middleware(RequestReference)
    app.add_exception_handler(DatabaseBusy, _busy)
    app.add_exception_handler(Exception, _failed)


async def answer_to(request: Request, error: Exception) -> Response:
    """Return the same answer to an error for a route that stands outside of FastAPI."""
    if isinstance(error, HTTPException):
        return await http_exception_handler(request, error)
    return await (_busy if isinstance(error, DatabaseBusy) else _failed)(request, error)


async def _busy(request: Request, error: Exception) -> Response:
    log.error("database_busy", path=request.url.path, cause=str(error))
    answer = _answer(request, 503, "busy", _BUSY)
    answer.headers["Retry-After"] = str(_RETRY_SECONDS)
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "failed", _FAILED)


def _answer(request: Request, status: int, code: str, words: str) -> Response:
    """Answer a browser that shows it as a page in words, everything else in JSON."""
    reference = request.scope["state"]["reference"]
    if "text/html" in request.headers.get("accept", ""):
        locale = request.cookies.get(LOCALE_COOKIE, "")
        speak_with(None, locale, request.headers.get("accept-language", ""))
        return PlainTextResponse(say(words, reference=reference), status)
    return JSONResponse({"error": code, "reference": reference}, status)
