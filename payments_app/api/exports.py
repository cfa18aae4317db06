"""Downloads of payments: a customer's own, and for staff those of all accounts."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from payments_app.api.guards import CustomerIdentity, LimitedDownloads, ViewerIdentity
from payments_app.api.parameters import answers
from payments_app.services import exports, staff_exports
from payments_app.services.context import current
from payments_app.services.staff_view import StaffView
from payments_app.services.view import View

router = APIRouter(
    tags=["exports"],
    default_response_class=StreamingResponse,
    dependencies=[LimitedDownloads],
    responses=answers(401, 403, 429),
)


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
    name = exports.file_name(portal, who)
    return await _file(exports.csv_pieces(portal, who, view), name)


@router.get("/staff/exports/payments.csv")
async def staff_payments_csv(who: ViewerIdentity, request: Request) -> StreamingResponse:
    """Stream what the address of the staff's list shows as CSV, private notes included."""
    portal = current()
    view = StaffView.from_query(request.url.query)
    name = f"payments-{portal.clock().date().isoformat()}.csv"
    return await _file(staff_exports.csv_pieces(portal, who, view), name)


async def _file(pieces: AsyncIterator[bytes], name: str) -> StreamingResponse:
    first = await anext(pieces)  # a busy database has to be told before the answer begins

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(
        whole(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
