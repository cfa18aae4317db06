"""What payments come to in each currency, as the database keeps it: read without reading them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

from sqlalchemy import Column, ColumnElement, and_, case, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import plain
from payments_app.db.models import Payment, PaymentTotal
from payments_app.db.unpacked import table_of
from payments_app.domain.payment import PaymentStatus

_TABLE: Final = table_of(PaymentTotal).c
COUNTS: Final[dict[PaymentStatus, Column[int]]] = {
    PaymentStatus.PENDING: _TABLE.pending,
    PaymentStatus.COMPLETED: _TABLE.completed,
    PaymentStatus.CANCELLED: _TABLE.cancelled,
}
"""Where it is kept how many payments have a status."""
_AMOUNTS: Final[dict[PaymentStatus, Column[int]]] = {
    PaymentStatus.PENDING: _TABLE.pending_amount,
    PaymentStatus.COMPLETED: _TABLE.completed_amount,
}
"""Where the signed sum of those payments is kept, in minor units."""
_FIGURES: Final = {column.name: column for column in (*COUNTS.values(), *_AMOUNTS.values())}


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows there are in a currency, and the signed sum of the Completed ones."""

    currency: str
    rows: int
    completed: int


@dataclass(frozen=True, slots=True)
class KeptTotals:
    """Which payments totals are kept of: those of any of these accounts, currencies and statuses.
    None named is all."""

    accounts: tuple[int, ...] = ()
    currencies: tuple[str, ...] = ()
    statuses: tuple[PaymentStatus, ...] = ()


async def read(session: AsyncSession, kept: KeptTotals) -> list[Total]:
    """Return the rows and sums per currency, in the order of the codes; none for no rows."""
    statuses = kept.statuses or tuple(PaymentStatus)
    rows = func.sum(reduce(add, (COUNTS[status] for status in statuses)))
    completed: ColumnElement[int] = literal_column("0")
    if PaymentStatus.COMPLETED in statuses:
        completed = func.sum(_AMOUNTS[PaymentStatus.COMPLETED])
    query = (
        select(_TABLE.currency, rows, completed)
        .group_by(_TABLE.currency)
        .having(rows > 0)
        .order_by(_TABLE.currency)
    )
    if kept.accounts:
        query = query.where(_TABLE.account_id.in_(kept.accounts))
    if kept.currencies:
        query = query.where(_TABLE.currency.in_(kept.currencies))
    found = await plain.rows(session, query)
    return [Total(code, int(count), int(sum_)) for code, count, sum_ in found]


async def wrong(session: AsyncSession) -> list[tuple[int, str, dict[str, tuple[int, int]]]]:
    """Return account and currency of the totals that differ from their payments, which are all
    read, with those figures by name: as they are kept, and as they are."""
    rows = (
        select(col(Payment.account_id), col(Payment.currency), *_recomputed())
        .group_by(col(Payment.account_id), col(Payment.currency))
        .subquery()
    )
    kept = {name: func.coalesce(column, 0) for name, column in _FIGURES.items()}
    found = {name: func.coalesce(rows.c[name], 0) for name in kept}
    query = (
        select(
            func.coalesce(rows.c.account_id, _TABLE.account_id),
            func.coalesce(rows.c.currency, _TABLE.currency),
            *kept.values(),
            *found.values(),
        )
        .select_from(rows)
        .join(
            PaymentTotal,
            and_(
                rows.c.account_id == _TABLE.account_id,
                rows.c.currency == _TABLE.currency,
            ),
            full=True,
        )
        .where(or_(*(kept[name] != found[name] for name in kept)))
    )
    return [
        (account, currency, _differing(figures[: len(kept)], figures[len(kept) :]))
        for account, currency, *figures in await session.execute(query)
    ]


def _differing(kept: Sequence[int], found: Sequence[int]) -> dict[str, tuple[int, int]]:
    return {
        name: (int(one), int(other))
        for name, one, other in zip(_FIGURES, kept, found, strict=True)
        if one != other
    }


def _recomputed() -> Iterator[ColumnElement[int]]:
    for status, count in COUNTS.items():
        yield func.sum(case((col(Payment.status) == status, 1), else_=0)).label(count.name)
    for status, amount in _AMOUNTS.items():
        of_status = case((col(Payment.status) == status, col(Payment.amount)), else_=0)
        yield func.sum(of_status).label(amount.name)
