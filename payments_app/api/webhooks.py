"""The address that gateways send their webhooks to: stored, then answered, then handled."""

from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from payments_app.api.faults import answering_faults
from payments_app.api.parameters import GatewayCode, answers
from payments_app.domain.errors import NotFound
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature
from payments_app.services import webhooks
from payments_app.services.context import current

router = APIRouter(tags=["webhooks"])

_JSON: Final = "application/json"
_PATH: Final = "/webhooks/"


@router.post("/webhooks/{gateway}", responses=answers(400, 404, 413, 415, 503))
async def receive_webhook(gateway: GatewayCode, request: Request) -> Response:
    """Take one webhook: 200 when it is on disk (new or not), 400 for a bad signature, 404 for an
    unknown gateway, 413 for a body above the limit, 415 for one that is not JSON, 503 when it
    cannot be verified just now and has to be sent again. Cookies are ignored."""
    portal = current()
    try:
        portal.gateway(gateway)
        _refuse_other_types(request)
        body = await _limited_body(request, portal.settings.webhook_body_limit)
        await webhooks.receive(portal, gateway, dict(request.headers), body)
    except NotFound:
        raise HTTPException(404, "no such gateway") from None
    except InvalidSignature:
        raise HTTPException(400, "bad signature") from None
    except GatewayUnavailable:
        raise HTTPException(503, "send it again") from None
    return Response(status_code=200)


def webhooks_first(app: ASGIApp) -> ASGIApp:
    """Take the webhooks of known gateways before an app does, by the same route.

    They are most of what comes, and a framework's layers cost more than to verify one.
    """

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        code = scope["path"].removeprefix(_PATH)
        answer = await receive_webhook(code, Request(scope, receive))
        await answer(scope, receive, send)

    taking = answering_faults(take)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        known = (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"].startswith(_PATH)
            and scope["path"].removeprefix(_PATH) in current().gateways
        )
        await (taking if known else app)(scope, receive, send)

    return either


def _refuse_other_types(request: Request) -> None:
    """Every gateway here sends JSON; a message that names no type is judged by its signature."""
    kind = request.headers.get("content-type", _JSON).partition(";")[0].strip().lower()
    if kind != _JSON:
        raise HTTPException(415, "JSON only")


async def _limited_body(request: Request, limit: int) -> bytes:
    """Read the body; one that says or turns out to be too large is not read to its end."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > limit:
        raise HTTPException(413, "too large")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413, "too large")
    return bytes(body)
