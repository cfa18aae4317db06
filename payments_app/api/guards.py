"""What routes depend on: who is asking, and that the asker's own page sent the request."""

from collections.abc import Callable
from hmac import compare_digest
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request

from payments_app.domain.errors import TooManyAttempts
from payments_app.domain.payment import Role
from payments_app.services import rates
from payments_app.services.accounts import identify, session_cookie
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.places import LOCALE_COOKIE, speak_with
from payments_app.services.rates import Rate
from payments_app.services.stamps import form_token

FORM_FIELD: Final = "form_token"
"""The name of the field in which forms carry their token."""
_READING: Final = ("GET", "HEAD")
_BODY_LIMIT: Final = 10_000


async def optional_identity(request: Request) -> Identity | None:
    """Return whom the session cookie stands for, or None, and speak the browser's language.

    Answers 429 to who asks too often.
    """
    portal = current()
    who = await identify(portal, request.cookies.get(session_cookie(portal.settings), ""))
    await _spend(rates.REQUESTS, who, request)
    cookie = request.cookies.get(LOCALE_COOKIE, "")
    return speak_with(who, cookie, request.headers.get("accept-language", ""))


OptionalIdentity = Annotated[Identity | None, Depends(optional_identity)]


def logged_in(who: OptionalIdentity, request: Request) -> Identity:
    """Return who is asking; answers 401 when nobody is logged in.

    Staff who view an account as its customer may only read: 403 for everything else.
    """
    if who is None:
        raise HTTPException(401, "log in first")
    if who.read_only and request.method not in _READING:
        raise HTTPException(403, "viewing only")
    return who


LoggedIn = Annotated[Identity, Depends(logged_in)]


def customer(who: LoggedIn) -> Identity:
    """Return the asking customer; answers 401 or, to staff, 403."""
    if who.is_staff:
        raise HTTPException(403, "for customers")
    return who


def _staff(role: Role) -> Callable[[Identity], Identity]:
    def guard(who: LoggedIn) -> Identity:
        if not who.may(role):
            raise HTTPException(403, f"for {role}")
        return who

    return guard


CustomerIdentity = Annotated[Identity, Depends(customer)]
ViewerIdentity = Annotated[Identity, Depends(_staff(Role.VIEWER))]
"""Any staff; answers 401 to nobody and 403 to customers, as the next two do to lower roles."""
FinanceIdentity = Annotated[Identity, Depends(_staff(Role.FINANCE))]
OwnerIdentity = Annotated[Identity, Depends(_staff(Role.OWNER))]


async def _downloading(who: LoggedIn, request: Request) -> None:
    await _spend(rates.DOWNLOADS, who, request)


LimitedDownloads = Depends(_downloading)
"""For ``dependencies=[...]`` of the routers that make files; answers 429 above the limit."""


async def _spend(rate: Rate, who: Identity | None, request: Request) -> None:
    try:
        session_id = who.session_id if who else None
        await rates.spend(current(), rate, session_id, client_address(request))
    except TooManyAttempts as error:
        waiting = {"Retry-After": str(error.retry_after)}
        words = f"too many requests: try again in {error.retry_after} seconds"
        raise HTTPException(429, words, waiting) from None


def same_origin(request: Request) -> None:
    """Answer 403 to a request that another site's page made the browser send.

    Browsers say so in Sec-Fetch-Site (Fetch Metadata, section 2.4) or, without TLS, in Origin. A
    plain link may come with neither; what changes something has to say where it is from.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = origin is None or origin in current().settings.own_origins
    if site is not None:
        own = own and site in ("same-origin", "none")
    elif origin is None:
        own = request.method in _READING
    if not own:
        raise HTTPException(403, "from another site")


SameOrigin = Depends(same_origin)
"""For ``dependencies=[...]`` of each route that acts on the session cookie."""


async def own_form(request: Request) -> None:
    """Answer 403 to a form without the token of the login session whose cookie came with it."""
    token = request.cookies.get(session_cookie(current().settings), "")
    fields = dict(parse_qsl((await small_body(request)).decode(errors="replace")))
    given = fields.get(FORM_FIELD, "")
    if token and not compare_digest(given.encode(), form_token(token).encode()):
        raise HTTPException(403, "not from our form")


OwnForm = Depends(own_form)
"""For ``dependencies=[...]`` of each route that a form of ours posts to."""


async def small_body(request: Request) -> bytes:
    """Return the body, or an empty one when it is larger than any form of ours."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            return b""
    return bytes(body)


def client_address(request: Request) -> str:
    """Return the browser's IP address, empty when the server does not know it."""
    return request.client.host if request.client else ""
