"""The address that gateways send their webhooks to: stored, then answered, then handled."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from payments_app.api.faults import REFERENCE_HEADER, answer_to, begin
from payments_app.api.headers import headers_of_answers
from payments_app.api.limits import Refused, whole_body
from payments_app.api.parameters import GatewayCode, answers
from payments_app.domain.errors import NotFound
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature
from payments_app.services import webhooks
from payments_app.services.context import current
from payments_app.settings import Settings

router = APIRouter(tags=["webhooks"])

_JSON: Final = "application/json"
_PATH: Final = "/webhooks/"


@router.post("/webhooks/{gateway}", responses=answers(400, 404, 408, 413, 415, 503))
async def receive_webhook(gateway: GatewayCode, request: Request) -> Response:
    """Take one webhook: 200 when it is on disk (new or not), 400 for a bad signature, 404 for an
    unknown gateway, 408 for a body that does not come, 413 for one above the limit, 415 for one
    that is not JSON, 503 when it cannot be verified just now and has to be sent again. Cookies are
    ignored."""
    await _take(gateway, dict(request.headers), request.scope, request.receive)
    return Response(status_code=200)


async def _take(gateway: str, headers: Mapping[str, str], scope: Scope, receive: Receive) -> None:
    """Store the webhook of a request; raises HTTPException for what is not taken."""
    portal = current()
    try:
        portal.gateway(gateway)
        _refuse_other_types(headers)
        body = await whole_body(scope, receive, portal.settings.webhook_body_limit)
        if body["type"] == "http.request":  # and has not gone away meanwhile
            await webhooks.receive(portal, gateway, headers, body["body"])
    except NotFound:
        raise HTTPException(404, "no such gateway") from None
    except Refused as refused:
        raise HTTPException(refused.status, refused.word, {"Connection": "close"}) from None
    except InvalidSignature:
        raise HTTPException(400, "bad signature") from None
    except GatewayUnavailable:
        raise HTTPException(503, "send it again") from None


def webhooks_first(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Take the webhooks of known gateways before an app does, and answer them alike.

    They are most of what comes, and a framework's layers cost more than to verify and store one.
    """
    always = [(b"content-length", b"0")] + [
        (name.lower().encode(), value.encode())
        for name, value in headers_of_answers(settings).items()
    ]

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        reference = (REFERENCE_HEADER, begin(scope).encode())
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            await _take(scope["path"].removeprefix(_PATH), headers, scope, receive)
        except Exception as error:  # noqa: BLE001 - answered and logged as the framework would
            answer = await answer_to(Request(scope), error)
            answer.raw_headers += [*always[1:], reference]
            await answer(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [*always, reference]})
        await send({"type": "http.response.body"})

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        known = (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"].startswith(_PATH)
            and scope["path"].removeprefix(_PATH) in current().gateways
        )
        await (take if known else app)(scope, receive, send)

    return either


def _refuse_other_types(headers: Mapping[str, str]) -> None:
    """Every gateway here sends JSON; a message that names no type is judged by its signature."""
    kind = headers.get("content-type", _JSON).partition(";")[0].strip().lower()
    if kind != _JSON:
        raise HTTPException(415, "JSON only")
