"""Choosing the language of the pages and the time zone, logged in or not."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from payments_app.api.guards import OptionalIdentity, SameOrigin
from payments_app.api.parameters import answers
from payments_app.domain.languages import LANGUAGES, locale_for, preferred
from payments_app.services import places
from payments_app.services.accounts import serves_tls
from payments_app.services.context import current

router = APIRouter(
    prefix="/auth", tags=["places"], dependencies=[SameOrigin], responses=answers(403, 429)
)

_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis, section 5.5)."""


@router.post("/places", status_code=303, response_class=Response)
async def choose(
    request: Request,
    who: OptionalIdentity,
    language: Annotated[str, Form(max_length=16)] = "",
    time_zone: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Keep what is chosen, then lead back to the page that it was chosen on.

    Staff who view an account as its customers do choose for this browser only. No form token is
    asked for: the login page has none to give, and the sender's origin is checked.
    """
    response = RedirectResponse(_page_before(request), status_code=303)
    locale = ""
    if language in LANGUAGES:
        locale = locale_for(language, request.headers.get("accept-language", ""))
        set_locale(response, locale, picked=who is None)
    if who is not None and not who.read_only:
        await places.choose(current(), who, locale=locale, time_zone=time_zone)
    return response


def browser_locale(request: Request) -> str:
    """Return the locale that a browser asks for, of those that the portal speaks."""
    return preferred(request.headers.get("accept-language", ""))


def set_locale(response: Response, locale: str, *, picked: bool) -> None:
    """Set the cookie that pages and routes take their language from."""
    response.set_cookie(
        places.LOCALE_COOKIE,
        places.cookie_value(locale, picked=picked),
        max_age=_SECONDS,
        path="/",
        secure=serves_tls(current().settings),
        samesite="lax",
    )


def _page_before(request: Request) -> str:
    # SameOrigin has made sure that this is a page of ours; its host is left out all the same.
    before = urlsplit(request.headers.get("referer", ""))
    path = "/" + before.path.lstrip("/\\")
    return f"{path}?{before.query}" if before.query else path
