"""Puts the sandbox together: one address, every twin below its prefix, /sandbox for people."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.staticfiles import StaticFiles

from payments_app.sandbox import control, mailbox, pages
from payments_app.sandbox.registry import TWINS
from payments_app.sandbox.store import Clock, Store
from payments_app.sandbox.twin import Answer, Provider, Twin
from payments_app.sandbox.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Mount ``app`` at /sandbox and keep ``running()`` open around the server's life."""

    app: FastAPI
    store: Store
    webhooks: Webhooks
    providers: dict[str, Provider]

    @asynccontextmanager
    async def running(self, *, sending: bool = True) -> AsyncIterator[None]:
        """Open the store and send webhooks; a mounted app gets no lifespan events of its own.

        Without ``sending`` webhooks leave only by ``webhooks.send_due``.
        """
        async with self.store.running(), self.webhooks.running(sending=sending):
            yield


def issued_settings(origin: str, twins: Iterable[Twin] = TWINS) -> dict[str, str]:
    """Return every environment variable that the providers issue to the merchant.

    ``origin`` is the sandbox's address, such as ``http://127.0.0.1:3000/sandbox``.
    """
    return {name: text for twin in twins for name, text in twin.issued(origin).items()}


def create_sandbox(
    store_path: Path,
    *,
    origin: str,
    portal_url: str,
    merchant: str = "the merchant",
    twins: Iterable[Twin] = TWINS,
    clock: Clock = time.time,
) -> Sandbox:
    """Build the sandbox.

    ``origin`` is the address under which browsers and the portal reach it, ``/sandbox`` included;
    ``portal_url`` is where its webhooks go; ``merchant`` is the name on hosted payment pages;
    ``clock`` gives seconds since 1970.
    """
    store = Store(store_path, clock)
    origin = origin.rstrip("/")
    providers = {twin.code: Provider(twin, store, origin, merchant) for twin in twins}
    app = FastAPI(openapi_url=None)
    app.state.providers = providers
    app.state.store = store
    _answer_errors(app)
    app.include_router(pages.router)
    app.include_router(control.router)
    app.include_router(mailbox.router)
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    for provider in providers.values():
        app.mount(provider.twin.prefix, _provider_app(provider))
    return Sandbox(app, store, Webhooks(providers.values(), portal_url), providers)


def _provider_app(provider: Provider) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.state.provider = provider
    _answer_errors(app)
    app.include_router(provider.twin.api)
    app.include_router(provider.twin.pages)
    return app


def _answer_errors(app: FastAPI) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        return error.response() if isinstance(error, Answer) else JSONResponse({}, 500)

    async def invalid(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 422)

    app.add_exception_handler(Answer, answer)
    for kind in (RequestValidationError, ValidationError):
        app.add_exception_handler(kind, invalid)
