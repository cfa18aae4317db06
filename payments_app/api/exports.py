"""Downloads of the customer's own payments."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from payments_app.api.guards import CustomerIdentity
from payments_app.services import exports
from payments_app.services.context import current
from payments_app.services.view import View

router = APIRouter(tags=["exports"])


class Scope(StrEnum):
    """Which payments a download holds."""

    ALL = "all"
    CURRENT = "current"


class Download(View):
    """The query of a download: the fields of the view on screen count for ``view=current``."""

    view: Scope = Scope.ALL


@router.get("/exports/payments.csv")
async def payments_csv(
    who: CustomerIdentity, asked: Annotated[Download, Query()]
) -> StreamingResponse:
    """Stream the customer's payments as CSV: all of them, or those of the view on screen."""
    portal = current()
    view = asked if asked.view is Scope.CURRENT else View()
    return StreamingResponse(
        exports.csv_pieces(portal, who, view),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{exports.file_name(portal, who)}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
