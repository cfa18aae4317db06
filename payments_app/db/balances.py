"""An account's balances as people see them, with what is Pending beside, and how many payments."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import plain
from payments_app.db.kept_totals import COUNTS
from payments_app.db.models import Balance, PaymentTotal
from payments_app.domain.payment import PaymentStatus

_STANDINGS: Final = (
    select(
        col(PaymentTotal.currency),
        func.coalesce(col(Balance.amount), 0),
        col(PaymentTotal.pending_amount),
        *COUNTS.values(),
    )
    .select_from(PaymentTotal)
    .outerjoin(
        Balance,
        and_(
            col(Balance.account_id) == col(PaymentTotal.account_id),
            col(Balance.currency) == col(PaymentTotal.currency),
        ),
    )
    .where(col(PaymentTotal.account_id) == bindparam("given_account"))
    .order_by(col(PaymentTotal.currency))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's balance in one currency; ``pending`` is the signed sum of the Pending rows, and
    ``counts`` are how many rows of each status there are, where any are."""

    currency: str
    amount: int
    pending: int
    counts: dict[PaymentStatus, int]

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it ever moved, nor is about to: all was Cancelled."""
        return self.counts.keys() <= {PaymentStatus.CANCELLED}

    def rows(self, status: PaymentStatus | None) -> int:
        """Return how many payments of a status there are, or how many in all."""
        return sum(self.counts.values()) if status is None else self.counts.get(status, 0)


async def standings(session: AsyncSession, account_id: int) -> list[Standing]:
    """Return the account's balances, by currency code, with what is Pending beside: one row of
    each table, however many payments there are."""
    found = await plain.rows(session, _STANDINGS, {"given_account": account_id})
    return [
        Standing(
            code,
            amount,
            pending,
            {status: n for status, n in zip(COUNTS, counts, strict=True) if n},
        )
        for code, amount, pending, *counts in found
    ]
