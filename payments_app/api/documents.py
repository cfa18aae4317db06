"""Receipts and statements as PDF: the own account's to customers, any to staff."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import Field

from payments_app.api.guards import LimitedDownloads, LoggedIn
from payments_app.api.parameters import LARGEST_ID, Reference, answers
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.services import receipts, statements
from payments_app.services.context import current
from payments_app.services.statements import Period, TooLong

router = APIRouter(
    tags=["documents"], dependencies=[LimitedDownloads], responses=answers(401, 403, 404, 429)
)


class StatementQuery(Period):
    """The query of a statement; ``account`` is for staff."""

    account: int | None = Field(default=None, ge=1, le=LARGEST_ID)


@router.get("/receipts/{reference}.pdf", response_class=Response)
async def receipt(reference: Reference, who: LoggedIn) -> Response:
    """The receipt of a Completed payment; 404 for any other."""
    try:
        content = await receipts.receipt_pdf(current(), who, reference)
    except NotFound:
        raise HTTPException(404, "no such receipt") from None
    except NotAllowed:
        raise HTTPException(403, "not allowed") from None
    return _pdf(content, f"receipt-{reference}.pdf")


@router.get("/statements/statement.pdf", response_class=Response, responses=answers(413))
async def statement(who: LoggedIn, asked: Annotated[StatementQuery, Query()]) -> Response:
    """The statement of a period; 404 without such an account, 413 for too many rows."""
    try:
        content = await statements.statement_pdf(current(), who, asked, asked.account)
    except NotFound:
        raise HTTPException(404, "no such account") from None
    except NotAllowed:
        raise HTTPException(403, "not allowed") from None
    except TooLong:
        raise HTTPException(
            413, f"more than {statements.MOST_ROWS} payments: choose a shorter period"
        ) from None
    days = "-to-".join(day.isoformat() for day in (asked.since, asked.until) if day)
    return _pdf(content, f"statement-{days or 'all'}.pdf")


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
