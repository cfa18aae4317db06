"""Log in, log out, and look at an account as its customers do."""

import secrets
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from payments_app.api.guards import (
    LoggedIn,
    OptionalIdentity,
    OwnForm,
    SameOrigin,
    client_address,
    small_body,
)
from payments_app.api.parameters import AccountId, answers
from payments_app.api.places import browser_locale, set_locale
from payments_app.domain.errors import NotAllowed, NotFound, TooManyAttempts
from payments_app.services import accounts, places, sessions
from payments_app.services.accounts import CodeNeeded, device_cookie, serves_tls, session_cookie
from payments_app.services.context import current
from payments_app.services.places import LOCALE_COOKIE

router = APIRouter(
    prefix="/auth", tags=["login"], dependencies=[SameOrigin], responses=answers(403, 429)
)

_DEVICE_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis, section 5.5)."""


class Login(BaseModel):
    """What the login page sends: also the browser's time zone and the page to go on to."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=254, pattern=r"^[^\x00-\x1f]+$")
    password: SecretStr = Field(min_length=1, max_length=1000)
    code: SecretStr = Field(default=SecretStr(""), max_length=40)
    time_zone: str = Field(default="", max_length=64)
    next: str = "/"


_LOGIN_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Login.model_json_schema()}},
    }
}
_LEADS_ON: Final[dict[str, Any]] = {
    "dependencies": [OwnForm],
    "status_code": 303,
    "response_class": Response,
}
"""What routes have in common to which the browser posts a form of ours."""


@router.post("/login", responses=answers(401, 422, 429), openapi_extra=_LOGIN_BODY)
async def log_in(request: Request) -> Response:
    """Check e-mail and password; 200 sets the cookie and names the page to open.

    401 ``wrong_login``, ``code_needed`` or ``wrong_code`` (of the second factor), 422 ``invalid``
    and 429 ``too_many_attempts`` (with Retry-After) carry their code in ``error``. The body is
    checked here, since the framework's own answer would repeat the password.
    """
    portal = current()
    try:
        login = Login.model_validate_json(await small_body(request))
    except ValidationError:
        return JSONResponse({"error": "invalid"}, 422)
    address = client_address(request)
    agent = request.headers.get("user-agent", "")
    device = request.cookies.get(device_cookie(portal.settings)) or secrets.token_urlsafe(32)
    password, code = login.password.get_secret_value(), login.code.get_secret_value()
    try:
        token = await accounts.log_in(portal, login.email, password, address, agent, code, device)
    except TooManyAttempts as error:
        waiting = {"Retry-After": str(error.retry_after)}
        return JSONResponse({"error": "too_many_attempts"}, 429, headers=waiting)
    except CodeNeeded as error:
        return JSONResponse({"error": "wrong_code" if error.wrong else "code_needed"}, 401)
    if token is None:
        return JSONResponse({"error": "wrong_login"}, 401)
    await accounts.log_out(portal, _token(request), address)
    response = JSONResponse({"next": local_path(login.next)})
    lifetime = portal.settings.session_lifetime_seconds
    _set_cookie(response, session_cookie(portal.settings), token, lifetime)
    _set_cookie(response, device_cookie(portal.settings), device, _DEVICE_SECONDS)
    who = await accounts.identify(portal, token)
    if who is not None:
        cookie, browser = request.cookies.get(LOCALE_COOKIE, ""), browser_locale(request)
        locale = await places.arrive(portal, who, cookie, browser, login.time_zone)
        set_locale(response, locale, picked=False)
    return response


@router.post("/logout", **_LEADS_ON)
async def log_out(request: Request) -> Response:
    """End the login session, clear the cookie and lead to the login page."""
    settings = current().settings
    await accounts.log_out(current(), _token(request), client_address(request))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(
        session_cookie(settings), secure=serves_tls(settings), httponly=True, samesite="lax"
    )
    return response


@router.post("/view-as/{account_id}", responses=answers(401, 404), **_LEADS_ON)
async def view_as(account_id: AccountId, who: LoggedIn, request: Request) -> Response:
    """Let staff see what an account's customers see, from the next page on; nothing can be changed.

    Answers 403 to customers and 404 for no account.
    """
    try:
        await sessions.view_as(current(), who, account_id, client_address(request))
    except NotAllowed:
        raise HTTPException(403, "for staff") from None
    except NotFound:
        raise HTTPException(404, "no such account") from None
    return RedirectResponse("/", status_code=303)


@router.post("/leave-view", **_LEADS_ON)
async def leave_view(who: OptionalIdentity, request: Request) -> Response:
    """Lead staff who viewed an account back to it, and others to the start page."""
    if who is None or not who.read_only:
        return RedirectResponse("/", status_code=303)
    await sessions.stop_viewing(current(), who, client_address(request))
    return RedirectResponse(f"/staff/accounts/{who.account_id}", status_code=303)


def local_path(wanted: str) -> str:
    """Return ``wanted`` if it is a path of this site, else the start page.

    Browsers read ``//host`` and ``/\\host`` as other sites, and drop control characters first.
    """
    plain = wanted.isprintable() and "\\" not in wanted
    local = wanted.startswith("/") and not wanted.startswith("//")
    return wanted if plain and local else "/"


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=serves_tls(current().settings),
        httponly=True,
        samesite="lax",
    )


def _token(request: Request) -> str:
    return request.cookies.get(session_cookie(current().settings), "")
