"""The customer's payments as CSV (RFC 4180, UTF-8), streamed in constant memory."""

import asyncio
import csv
import io
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from sqlmodel import col

from payments_app.db import payments
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.services import formatting, reports, wording
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.view import View

HEADER: Final = (
    "Date / Time",
    "Total",
    "Currency",
    "Status",
    "Description",
    "Method",
    "Reference",
    "Reason",
)

_COLUMNS: Final[tuple[Any, ...]] = tuple(
    col(column)
    for column in (
        Payment.dated_at,
        Payment.amount,
        Payment.currency,
        Payment.status,
        Payment.description,
        Payment.gateway,
        Payment.channel,
        Payment.method_detail,
        Payment.reference,
        Payment.reason,
    )
)

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet run a cell (OWASP, CSV Injection), full-width forms included."""

_slots: Final = asyncio.Semaphore(4)
"""Exports that may read at once; each keeps a database connection while its client takes it."""


async def csv_pieces(portal: Portal, who: Identity, view: View) -> AsyncIterator[str]:
    """Give the file piece by piece: the customer's own rows of the view, as of one moment."""
    yield _lines([HEADER])
    async with _slots, portal.db.read() as session:
        async for some in payments.stream(session, view.filter(who), view.order, _COLUMNS):
            yield _lines(_cells(portal, who, row) for row in some)


def file_name(portal: Portal, who: Identity) -> str:
    """Return the file's name, with the account and the day in the user's zone, in ASCII."""
    plain = unicodedata.normalize("NFKD", who.account_name).encode("ascii", "ignore").decode()
    account = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or f"account-{who.account_id}"
    today = portal.clock().astimezone(formatting.zone_of(who.time_zone)).date()
    return f"payments-{account}-{today.isoformat()}.csv"


def _cells(portal: Portal, who: Identity, row: Any) -> Sequence[str]:
    at = row.dated_at.astimezone(formatting.zone_of(who.time_zone))
    method = reports.method_text(portal, row.gateway, row.channel, row.method_detail)
    return (
        at.isoformat(timespec="seconds"),
        Money(row.amount, row.currency).to_decimal(),
        row.currency,
        wording.STATUSES[row.status],
        harmless(row.description),
        harmless(method),
        row.reference,
        wording.reason(row.reason),
    )


def harmless(text: str) -> str:
    """Return a text cell that no spreadsheet takes for a formula: an apostrophe goes before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _lines(rows: Iterable[Sequence[str]]) -> str:
    piece = io.StringIO(newline="")
    csv.writer(piece).writerows(rows)
    return piece.getvalue()
