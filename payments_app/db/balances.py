"""An account's balances as people see them, with what is Pending beside."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import plain
from payments_app.db.models import Balance, Payment
from payments_app.domain.payment import PaymentStatus

_NOTHING: Final[ColumnElement[int]] = literal_column("0")
_STANDINGS: Final = union_all(
    select(col(Balance.currency), col(Balance.amount), _NOTHING).where(
        col(Balance.account_id) == bindparam("given_account")
    ),
    select(col(Payment.currency), _NOTHING, func.sum(col(Payment.amount)))
    .where(
        col(Payment.account_id) == bindparam("given_account"),
        col(Payment.status) == PaymentStatus.PENDING,
    )
    .group_by(col(Payment.currency)),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's balance in one currency; ``pending`` is the signed sum of the Pending rows."""

    currency: str
    amount: int
    pending: int


async def standings(session: AsyncSession, account_id: int) -> list[Standing]:
    """Return the account's balances, by currency code, with what is Pending beside."""
    found: dict[str, Standing] = {}
    for code, amount, pending in await plain.rows(
        session, _STANDINGS, {"given_account": account_id}
    ):
        known = found.get(code, Standing(code, 0, 0))
        found[code] = Standing(code, known.amount + int(amount), known.pending + int(pending))
    return [found[code] for code in sorted(found)]
