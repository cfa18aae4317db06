"""What routes depend on: who is asking, and that the asker's own page sent the request."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request

from payments_app.domain.payment import Role
from payments_app.services.accounts import identify, session_cookie
from payments_app.services.context import current
from payments_app.services.identity import Identity


async def optional_identity(request: Request) -> Identity | None:
    """Return whom the session cookie stands for, or None."""
    portal = current()
    return await identify(portal, request.cookies.get(session_cookie(portal.settings), ""))


OptionalIdentity = Annotated[Identity | None, Depends(optional_identity)]


def logged_in(who: OptionalIdentity, request: Request) -> Identity:
    """Return who is asking; answers 401 when nobody is logged in.

    Staff who view an account as its customer may only read: 403 for everything else.
    """
    if who is None:
        raise HTTPException(401, "log in first")
    if who.read_only and request.method not in ("GET", "HEAD"):
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


def same_origin(request: Request) -> None:
    """Answer 403 to a request that another site's page made the browser send.

    Browsers say so in Sec-Fetch-Site (Fetch Metadata, section 2.4) or, without TLS, in Origin. A
    request with neither comes from no browser that holds a victim's cookie, or is a plain link.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        own = origin is None or _is_own(origin, request)
    if not own:
        raise HTTPException(403, "from another site")


SameOrigin = Depends(same_origin)
"""For ``dependencies=[...]`` of each route that acts on the session cookie."""


def client_address(request: Request) -> str:
    """Return the browser's IP address, empty when the server does not know it."""
    return request.client.host if request.client else ""


def _is_own(origin: str, request: Request) -> bool:
    hosts = {urlsplit(current().settings.public_url).netloc, request.headers.get("host")}
    return urlsplit(origin).netloc in hosts - {None, ""}
