"""Downloads for staff."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from payments_app.api.guards import (
    LimitedDownloads,
    OwnerIdentity,
    SameOrigin,
    ViewerIdentity,
    client_address,
)
from payments_app.api.parameters import AccountId, answers
from payments_app.domain.errors import NotFound
from payments_app.services import audit_log, personal_data
from payments_app.services.context import current

router = APIRouter(
    tags=["staff"], dependencies=[LimitedDownloads], responses=answers(401, 403, 429)
)


@router.get("/staff/exports/audit.csv")
async def audit_csv(who: ViewerIdentity) -> StreamingResponse:
    """Stream the whole audit log, hashes included, as CSV."""
    portal = current()
    day = portal.clock().date().isoformat()
    return _download(audit_log.csv_pieces(portal, who), "text/csv", f"audit-{day}.csv")


@router.get(
    "/staff/exports/personal-data/{account}", dependencies=[SameOrigin], responses=answers(404)
)
async def personal_data_json(
    who: OwnerIdentity, request: Request, account: AccountId
) -> StreamingResponse:
    """Stream all that is kept about an account's people as JSON; 404 when there is no such one."""
    try:
        address = client_address(request)
        pieces = await personal_data.export(current(), who, account, address)
    except NotFound:
        raise HTTPException(404, "no such account") from None
    return _download(pieces, "application/json", f"personal-data-account-{account}.json")


def _download(pieces: AsyncIterator[str], kind: str, name: str) -> StreamingResponse:
    return StreamingResponse(
        pieces,
        media_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
