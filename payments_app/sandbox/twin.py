"""What a provider's stand-in consists of, and what its routes are given."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from payments_app.sandbox.store import Document, Store, Transaction

OLD: Final = "_old"
"""What a replaced key had at its end."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A webhook ready to send; ``signature`` is the text in headers or body that proves it."""

    body: bytes
    headers: dict[str, str]
    signature: str


class Sign(Protocol):
    """Turns an event into bytes and headers; ``old_key`` signs with a key that was replaced."""

    def __call__(
        self, here: "Provider", event: Document, *, old_key: bool = False
    ) -> Awaitable[Signed]:
        """Sign for one delivery."""


@dataclass(frozen=True, slots=True)
class Twin:
    """One provider's stand-in.

    ``code`` is the gateway's code in the portal; webhooks go to ``/webhooks/<code>``. ``prefix``
    (``/stripe``) stands before the provider's own paths. ``issued`` takes the sandbox's address
    (``http://host:port/sandbox``) and returns the environment variables a merchant would set.
    ``fault_body`` writes an error body in the provider's words for an injected HTTP status.
    """

    code: str
    name: str
    prefix: str
    api: APIRouter
    pages: APIRouter
    issued: Callable[[str], dict[str, str]]
    sign: Sign
    fault_body: Callable[[int], Document]


@dataclass(frozen=True, slots=True)
class Provider:
    """A twin at work: ``origin`` is the sandbox's address, ``merchant`` the name customers see."""

    twin: Twin
    store: Store
    origin: str
    merchant: str

    @property
    def url(self) -> str:
        """Address below which the twin's paths are, without a trailing slash."""
        return self.origin + self.twin.prefix

    @property
    def now(self) -> float:
        """Seconds since 1970, UTC, by the sandbox's clock."""
        return self.store.clock()

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open the store for this gateway; see Store.transaction."""
        return self.store.transaction(self.twin.code)


def _provider(request: Request) -> Provider:
    provider: Provider = request.app.state.provider
    return provider


Here = Annotated[Provider, Depends(_provider)]
"""Type of a route's parameter that is to receive the Provider."""


class Answer(Exception):
    """Raised inside a route to answer at once with a JSON body; an open transaction is undone."""

    def __init__(self, status: int, body: Document, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the answer as FastAPI sends it."""
        return JSONResponse(self.body, self.status, self.headers)


def new_id(prefix: str) -> str:
    """Make an identifier as providers do (``pi_`` -> ``pi_4f1c...``)."""
    return prefix + token_hex(12)
