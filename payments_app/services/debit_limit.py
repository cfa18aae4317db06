"""How far purchases may take an account's balance below nought."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import ledger
from payments_app.db.models import Account
from payments_app.domain.errors import InvalidRequest
from payments_app.domain.money import Money


async def lock_account(session: AsyncSession, account_id: int) -> Account | None:
    """Let purchases of one account wait for each other: two at once could both pass the limit.

    Whoever only refers to the account does not wait: a new row of its balances may be written by
    one for whom this one will wait.
    """
    query = select(Account).where(col(Account.id) == account_id).with_for_update(key_share=True)
    return (await session.execute(query)).scalar_one_or_none()


async def check(session: AsyncSession, account: Account, charge: Money) -> None:
    """Raise InvalidRequest when a negative amount would take the balance below the limit.

    The limit is in the account's home currency; in others it is nought. ``left`` of the error is
    what can still be spent, in minor units.
    """
    limit = account.debit_limit if charge.currency == account.home_currency else 0
    balance = await ledger.balance_of(session, account.key, charge.currency)
    if balance + charge.minor < -limit:
        left = balance + limit
        raise InvalidRequest("total", "below_debit_limit", left=left, currency=charge.currency)
