"""All customers' payments as CSV for staff, private notes included, streamed as customers' are."""

from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import col

from payments_app.db import csv_lines, payments, staff_payments
from payments_app.db.csv_cells import Cells
from payments_app.db.models import Account, Payment, User
from payments_app.db.offsets import offsets_between
from payments_app.domain.languages import ENGLISH
from payments_app.domain.payment import Role
from payments_app.services import exports, formatting, wording
from payments_app.services.catalogues import speaking
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.staff_view import StaffView

HEADER: Final = (
    "Account",
    "Date / Time",
    "Created",
    "Total",
    "Currency",
    "Fee",
    "Status",
    "Kind",
    "Description",
    "Private note",
    "Method",
    "Reference",
    "Gateway reference",
    "Reason",
    "User",
)


async def csv_pieces(portal: Portal, who: Identity, view: StaffView) -> AsyncIterator[bytes]:
    """Give the file piece by piece: what the view shows, of one moment; for staff alone."""
    who.require(Role.VIEWER)
    header = (",".join(HEADER) + "\r\n").encode()
    chosen = view.filter(who)
    zone = formatting.zone_of(who.time_zone)
    async with exports.slots, portal.db.read(snapshot=True) as session:
        span = await staff_payments.span(session)
        yield header
        if span is None:
            return
        with speaking(ENGLISH):  # as in the customers' file
            cells = _cells(portal, Cells(session, offsets_between(zone, *span)))
        rows, sorting = await payments.matching(session, chosen), payments.sorting(view.order)
        async for piece in csv_lines.csv_pieces(session, rows, cells, sorting, str(zone)):
            yield piece


def _cells(portal: Portal, cells: Cells) -> list[Any]:
    account = select(col(Account.name)).where(col(Account.id) == col(Payment.account_id))
    email = select(col(User.email)).where(col(User.id) == col(Payment.user_id))
    currency, fee = col(Payment.currency), col(Payment.fee)
    status = {status.value: label for status, label in wording.STATUSES.items()}
    kind = {kind.value: label for kind, label in wording.KINDS.items()}
    return [
        cells.text(account.scalar_subquery()),
        cells.moment(col(Payment.dated_at)),
        cells.moment(col(Payment.created_at)),
        cells.amount(col(Payment.amount), currency),
        currency,
        cells.amount(fee, currency),
        cells.named(col(Payment.status), status),
        cells.named(col(Payment.kind), kind),
        cells.text(col(Payment.description)),
        cells.text(col(Payment.private_note)),
        exports.method_cell(portal, cells),
        col(Payment.reference),
        cells.text(func.coalesce(col(Payment.gateway_reference), "")),
        cells.text(func.coalesce(col(Payment.reason), "")),
        cells.text(func.coalesce(email.scalar_subquery(), "")),
    ]
