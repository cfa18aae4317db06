"""Downloads for staff."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from payments_app.api.guards import ViewerIdentity
from payments_app.services import audit_log
from payments_app.services.context import current

router = APIRouter(tags=["staff"])


@router.get("/staff/exports/audit.csv")
async def audit_csv(who: ViewerIdentity) -> StreamingResponse:
    """Stream the whole audit log, hashes included, as CSV."""
    portal = current()
    day = portal.clock().date().isoformat()
    return StreamingResponse(
        audit_log.csv_pieces(portal, who),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="audit-{day}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
