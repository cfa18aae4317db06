"""The customer's payments as CSV (RFC 4180, UTF-8), streamed in constant memory."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import case
from sqlmodel import col

from payments_app.db import csv_lines, payments
from payments_app.db.csv_cells import Cell, Cells
from payments_app.db.models import Payment
from payments_app.db.offsets import offsets_between
from payments_app.domain.languages import ENGLISH
from payments_app.services import formatting, wording
from payments_app.services.catalogues import speaking
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

slots: Final = asyncio.Semaphore(4)
"""Exports that may read at once; each keeps a database connection while its client takes it."""


async def csv_pieces(portal: Portal, who: Identity, view: View) -> AsyncIterator[bytes]:
    """Give the file piece by piece: the customer's own rows of the view, as of one moment."""
    header = (",".join(HEADER) + "\r\n").encode()
    chosen = view.filter(who)
    zone = formatting.zone_of(who.time_zone)
    async with slots, portal.read_as(who, snapshot=True) as session:
        span = await payments.span(session, chosen)
        yield header
        if span is None:
            return
        cells = _cells(portal, Cells(session, offsets_between(zone, *span)))
        rows, sorting = await payments.matching(session, chosen), payments.sorting(view.order)
        async for piece in csv_lines.csv_pieces(session, rows, cells, sorting, str(zone)):
            yield piece


def _cells(portal: Portal, cells: Cells) -> list[Any]:
    # The file is read by programs as well, which would not follow its reader's language.
    with speaking(ENGLISH):
        return _english_cells(portal, cells)


def _english_cells(portal: Portal, cells: Cells) -> list[Any]:
    status = {status.value: label for status, label in wording.STATUSES.items()}
    reason = col(Payment.reason)
    by_name = cells.named(cells.before_colon(reason), wording.reasons_by_name())
    return [
        cells.moment(col(Payment.dated_at)),
        cells.amount(col(Payment.amount), col(Payment.currency)),
        col(Payment.currency),
        cells.named(col(Payment.status), status),
        cells.text(col(Payment.description)),
        method_cell(portal, cells),
        col(Payment.reference),
        case(
            (
                reason.is_not(None),
                cells.named(reason, wording.reasons_by_code(), otherwise=by_name),
            )
        ),
    ]


def method_cell(portal: Portal, cells: Cells) -> Cell:
    """Write what ``reports.method_text`` says of the row."""
    gateway, channel = col(Payment.gateway), col(Payment.channel)
    detail = col(Payment.method_detail)
    labels = {code: found.label for code, found in portal.gateways.items()}
    channels = [
        (gateway == code, cells.named(channel, labels_of, otherwise=found.label, quoted=True))
        for code, found in portal.gateways.items()
        if (labels_of := {one.code: one.label for one in found.channels})
    ]
    label = cells.named(gateway, labels, otherwise=gateway, quoted=True)
    method = case(
        (detail != "", detail),
        (gateway.is_(None), wording.from_balance()),
        *channels,
        else_=label,
    )
    return cells.text(method, outside=detail)


def file_name(portal: Portal, who: Identity) -> str:
    """Return the file's name, with the account and the day in the user's zone, in ASCII."""
    plain = unicodedata.normalize("NFKD", who.account_name).encode("ascii", "ignore").decode()
    account = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or f"account-{who.account_id}"
    today = portal.clock().astimezone(formatting.zone_of(who.time_zone)).date()
    return f"payments-{account}-{today.isoformat()}.csv"
