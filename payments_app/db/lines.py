"""What a line of a customer's list needs of a payment, read as plain columns.

To make objects of whole payments takes longer than to read them.
"""

from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import BigInteger, cast, select
from sqlmodel import col

from payments_app.db.models import Payment, TimelineEntry
from payments_app.domain.payment import PaymentKind, PaymentStatus

BALANCE_WRITTEN: Final = ("completed", "late_money")
"""Codes of the timeline's entries that say what balance a payment left."""


class Line(Protocol):
    """A payment as far as lists show it, which a whole ``Payment`` is, too."""

    reference: str
    kind: PaymentKind
    status: PaymentStatus
    reason: str | None
    amount: int
    currency: str
    gateway: str | None
    channel: str | None
    method_detail: str | None
    description: str
    completed_at: datetime | None
    dated_at: datetime

    @property
    def key(self) -> int:
        """The payment's number."""


class ReadLine(Line, Protocol):
    """One that was read for a list; ``balance`` is what a Completed payment left, in minor units.

    It was written into the timeline in the commit that moved the money, so that no list has to add
    anything up, however long it is.
    """

    balance: int | None


def _balance_left() -> Any:
    # An integer of PostgreSQL ends at 21 million dollars.
    written = cast(col(TimelineEntry.details)["balance"].as_string(), BigInteger)
    return (
        select(written)
        .where(
            col(TimelineEntry.payment_id) == col(Payment.id),
            col(TimelineEntry.code).in_(BALANCE_WRITTEN),
            written.is_not(None),
        )
        .order_by(col(TimelineEntry.id).desc())
        .limit(1)
        .scalar_subquery()
    )


COLUMNS: Final[tuple[Any, ...]] = (
    col(Payment.id).label("key"),
    col(Payment.reference),
    col(Payment.kind),
    col(Payment.status),
    col(Payment.reason),
    col(Payment.amount),
    col(Payment.currency),
    col(Payment.gateway),
    col(Payment.channel),
    col(Payment.method_detail),
    col(Payment.description),
    col(Payment.completed_at),
    col(Payment.dated_at),
    _balance_left().label("balance"),
)
"""The columns of a ``ReadLine``."""
