"""The address that gateways send their webhooks to: stored, then answered, then handled."""

from fastapi import APIRouter, HTTPException, Request, Response

from payments_app.domain.errors import NotFound
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature
from payments_app.services import webhooks
from payments_app.services.context import current

router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/{gateway}")
async def receive_webhook(gateway: str, request: Request) -> Response:
    """Take one webhook: 200 when it is on disk (new or not), 400 for a bad signature, 404 for an
    unknown gateway, 413 for a body above the limit, 503 when it cannot be verified just now and
    has to be sent again. Cookies are ignored."""
    portal = current()
    body = await _limited_body(request, portal.settings.webhook_body_limit)
    try:
        await webhooks.receive(portal, gateway, dict(request.headers), body)
    except NotFound:
        raise HTTPException(404, "no such gateway") from None
    except InvalidSignature:
        raise HTTPException(400, "bad signature") from None
    except GatewayUnavailable:
        raise HTTPException(503, "send it again") from None
    return Response(status_code=200)


async def _limited_body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413, "too large")
    return bytes(body)
