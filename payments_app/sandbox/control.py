"""The sandbox's own JSON interface, for tests, fault campaigns and reconciliation."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.faults import Fault, Setting
from payments_app.sandbox.pages import provider_of
from payments_app.sandbox.store import Document

router = APIRouter()


@router.get("/faults/{gateway}")
async def get_faults(request: Request, gateway: str) -> list[Document]:
    """List the knobs that are set, with their counters."""
    async with provider_of(request, gateway).transaction() as tx:
        return await faults.current(tx)


@router.put("/faults/{gateway}")
async def put_faults(
    request: Request, gateway: str, settings: dict[Fault, Setting]
) -> list[Document]:
    """Set knobs; the others stay: ``{"webhook_duplicate": {"value": 2, "times": 1}}``."""
    async with provider_of(request, gateway).transaction() as tx:
        for fault, setting in settings.items():
            await faults.turn(tx, fault, setting)
        return await faults.current(tx)


@router.delete("/faults/{gateway}", status_code=204)
async def delete_faults(request: Request, gateway: str) -> Response:
    """Turn all of the gateway's knobs off."""
    async with provider_of(request, gateway).transaction() as tx:
        await faults.reset(tx)
    return Response(status_code=204)


@router.get("/deliveries/{gateway}")
async def get_deliveries(
    request: Request, gateway: str, limit: Annotated[int, Query(ge=1, le=10000)] = 100
) -> list[Document]:
    """List webhook deliveries, newest first."""
    async with provider_of(request, gateway).transaction() as tx:
        return await webhooks.recent(tx, limit)


@router.get("/ledger/{gateway}")
async def get_ledger(
    request: Request,
    gateway: str,
    reference: str = "",
    after: int = 0,
    limit: int = 1000,
) -> JSONResponse:
    """List what the gateway moved, in order of booking, optionally for one own reference.

    Each entry: seq, kind (charge, refund, chargeback, chargeback_reversal), reference, object_id,
    amount (positive minor units), currency, created_at (seconds, UTC). Page with ``after=seq``.
    """
    async with provider_of(request, gateway).transaction() as tx:
        entries: list[dict[str, Any]] = await tx.execute(
            "SELECT seq, kind, reference, object_id, amount, currency, created_at FROM entries"
            " WHERE gateway = ? AND seq > ? AND (? = '' OR reference = ?) ORDER BY seq LIMIT ?",
            *(tx.gateway, after, reference, reference, limit),
        )
    return JSONResponse({"gateway": gateway, "entries": entries})
