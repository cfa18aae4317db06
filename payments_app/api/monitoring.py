"""What watches the portal asks here: is it alive, is it ready, how is it doing."""

from hmac import compare_digest

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from payments_app.api.parameters import answers
from payments_app.services import metrics
from payments_app.services.context import current
from payments_app.services.readiness import readiness

router = APIRouter(tags=["monitoring"])

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@router.get("/health/live")
async def live() -> Response:
    """Answer 200 as long as this process answers at all; anything else asks for a restart."""
    return JSONResponse({"live": True})


@router.get("/health/ready", responses=answers(503))
async def ready() -> Response:
    """Answer 200 when everything that requests need works, else 503, and say what does not."""
    works = await readiness(current())
    return JSONResponse(works, 200 if all(works.values()) else 503)


@router.get("/metrics", response_class=Response, responses=answers(403))
async def prometheus(request: Request) -> Response:
    """Answer with the metrics: to who knows METRICS_TOKEN, or without one to this machine only."""
    token = current().settings.metrics_token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        allowed = compare_digest(given.encode(), f"Bearer {token}".encode())
    else:
        # A proxy on this machine comes from here as well, with somebody else's request.
        own = request.client is not None and request.client.host in _LOOPBACK
        allowed = own and not set(request.headers) & {"x-forwarded-for", "forwarded"}
    if not allowed:
        raise HTTPException(403, "not for you")
    return Response(await metrics.exposition(current()), media_type="text/plain; version=0.0.4")
