"""The headers that every answer carries, set in this one place: pages, files, routes and errors.

What an answer says itself is left alone. A proxy in front has nothing to add.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payments_app.api.policy import NOTHING, PagePolicies
from payments_app.services.context import Portal
from payments_app.settings import Settings

_OK: Final = 200
_NOT_MODIFIED: Final = 304
_HASHED: Final = "/assets/"
_KEEP: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_NEVER_KEEP: Final = "no-store"

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    # For browsers that do not know frame-ancestors.
    "X-Frame-Options": "DENY",
    # Addresses hold references, and links by e-mail their token.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer",
            "camera",
            "display-capture",
            "geolocation",
            "gyroscope",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "usb",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HTTPS_ONLY: Final = "max-age=31536000; includeSubDomains"


def headers_of_answers(settings: Settings) -> dict[str, str]:
    """Return the headers of each answer that is neither a page nor a file."""
    return {
        **_always(settings),
        "Cache-Control": _NEVER_KEEP,
        "Content-Security-Policy": NOTHING,
    }


def _always(settings: Settings) -> dict[str, str]:
    return _ALWAYS | ({"Strict-Transport-Security": _HTTPS_ONLY} if settings.live else {})


def with_headers(
    portal: Portal, static_dir: Path, apart: tuple[str, ...]
) -> Callable[[ASGIApp], ASGIApp]:
    """Return what puts the headers on all answers of an app except those below ``apart``.

    ``static_dir`` is the built front end. The sandbox stands apart, as if on a host of its own.
    """
    settings = portal.settings
    always = _always(settings)
    socket = settings.public_url.replace("http", "ws", 1)

    def describe(policies: PagePolicies, scope: Scope, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        if "location" in headers and _is_file(scope):
            headers["location"] = _with_slash(scope)
        for name, value in always.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", _caching(scope, message["status"]))
        if _is_page(scope["path"], message["status"], headers.get("content-type", "")):
            used = [gateway.page_sources() for gateway in portal.gateways.values()]
            policy = policies.of(scope["path"], used, socket)
        else:
            policy = NOTHING
        headers.setdefault("Content-Security-Policy", policy)

    def wrap(app: ASGIApp) -> ASGIApp:
        policies = PagePolicies(static_dir)

        async def with_described(scope: Scope, receive: Receive, send: Send) -> None:
            async def describing(message: Message) -> None:
                if message["type"] == "http.response.start":
                    describe(policies, scope, message)
                await send(message)

            answered = scope["type"] == "http" and not scope["path"].startswith(apart)
            await app(scope, receive, describing if answered else send)

        return with_described

    return wrap


def _is_page(path: str, status: int, media_type: str) -> bool:
    """A page that did not change names no type, and its headers replace those that were kept."""
    if status == _NOT_MODIFIED:
        return PurePosixPath(path).suffix in ("", ".html")
    return media_type.startswith("text/html")


def _is_file(scope: Scope) -> bool:
    return isinstance(scope.get("endpoint"), StaticFiles)


def _with_slash(scope: Scope) -> str:
    """Where a page's folder is, without the host, which is what the client says it is."""
    path = quote(f"/{scope['path'].strip('/')}/")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _caching(scope: Scope, status: int) -> str:
    """Files may be kept, those named by the hash of their content for good; answers never."""
    if not _is_file(scope):
        return _NEVER_KEEP
    return (
        _KEEP
        if scope["path"].startswith(_HASHED) and status in (_OK, _NOT_MODIFIED)
        else _ASK_AGAIN
    )
