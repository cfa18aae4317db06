"""The customer's first page with the newest payments and the balances already in it.

A built page is the same for everybody: its scripts have to come, take the page over and ask the
socket before they show a row. Until then it shows what is written into it here, which
components/first_rows.py has left room for.
"""

import asyncio
import gzip
import re
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Final

import structlog
from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from payments_app.api.guards import optional_identity
from payments_app.domain.errors import DatabaseBusy
from payments_app.services import reports
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.reports import BalanceLine, Row
from payments_app.services.view import View

log = structlog.get_logger()

WAIT_SECONDS: Final = 2.0
"""A page that waits longer for its rows is sent without them."""
_ASKED: Final = ("GET", "/")
_PLACES: Final = re.compile(r'data-first="(\w+)">')
_COMPRESSION: Final = 5


def with_first_rows(static_dir: Path) -> Callable[[ASGIApp], ASGIApp]:
    """Return what answers a customer's request of ``/`` before an app that has the built pages.

    ``static_dir`` is the built front end. Whoever is no customer gets the page as it was built,
    and so does everybody when the database is away, slow or asked too often.
    """

    def wrap(app: ASGIApp) -> ASGIApp:
        file = static_dir.joinpath("index.html")
        page = file.read_text("utf-8") if file.exists() else ""

        async def either(scope: Scope, receive: Receive, send: Send) -> None:
            answer = app
            if page and scope["type"] == "http" and (scope["method"], scope["path"]) == _ASKED:
                request = Request(scope, receive)
                written = await _written(request)
                answer = _answer(_filled(page, written), request) if written else app
            await answer(scope, receive, send)

        return either

    return wrap


async def _written(request: Request) -> Mapping[str, str] | None:
    """Write what the asking customer sees first, by place; None when there is nothing just now."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            who = await optional_identity(request)
            if who is None or who.is_staff:
                return None
            page = await reports.list_page(current(), who, View(), None)
    except (DatabaseBusy, HTTPException, SQLAlchemyError, TimeoutError) as error:
        log.warning("first_rows_left_out", cause=type(error).__name__)
        return None
    return {
        "balances": "".join(map(_balance, page.balances)),
        "zone": escape(who.time_zone),
        "rows": "".join(map(_row, page.rows)),
    }


def _filled(page: str, written: Mapping[str, str]) -> str:
    return _PLACES.sub(lambda place: place[0] + written[place[1]], page)


def _answer(page: str, request: Request) -> HTMLResponse:
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(page)
    packed = gzip.compress(page.encode(), _COMPRESSION)
    return HTMLResponse(packed, headers={"Content-Encoding": "gzip"})


def _balance(line: BalanceLine) -> str:
    pending = say("{pending} pending", pending=line.pending) if line.pending else ""
    return (
        f'<div><span class="label why">{escape(line.name)}</span>'
        f'<strong class="figure tabular">{escape(line.amount)}</strong>'
        f'<span class="pending-sum tabular">{escape(pending)}</span></div>'
    )


def _row(row: Row) -> str:
    status, method = escape(row.status), escape(row.method)
    return (
        f'<tr class="{status}">'
        f'<td class="when tabular">{escape(row.date)}{_small(row.date_note)}</td>'
        f'<td class="what"><a class="row-link" href="/?payment={escape(row.reference)}">'
        f"{escape(row.description)}</a>{_small(row.note)}</td>"
        f'<td class="how"><span class="method"><span class="method-icon"></span>'
        f"<span>{method}</span></span></td>"
        f'<td class="status"><span class="pill {status}">{escape(row.status_label)}</span></td>'
        f'<td class="total tabular">{escape(row.total)}</td>'
        f'<td class="balance tabular">{escape(row.balance)}</td></tr>'
    )


def _small(note: str) -> str:
    return f"<small>{escape(note)}</small>" if note else ""
