"""Whether something has ever happened: an account, a gateway's webhook, its first payment."""

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Account, InboxEvent, Payment
from payments_app.domain.payment import PaymentStatus


async def has_account(session: AsyncSession) -> bool:
    """Tell whether there is any account."""
    return await _any(session, select(col(Account.id)))


async def has_webhook(session: AsyncSession, gateway: str) -> bool:
    """Tell whether a gateway has ever sent a webhook that it had signed."""
    of_gateway = (col(InboxEvent.gateway) == gateway, col(InboxEvent.verified).is_(True))
    return await _any(session, select(col(InboxEvent.id)).where(*of_gateway))


async def has_completed(session: AsyncSession, gateway: str) -> bool:
    """Tell whether a payment by a gateway was ever Completed."""
    of_gateway = (
        col(Payment.gateway) == gateway,
        col(Payment.status) == PaymentStatus.COMPLETED,
    )
    return await _any(session, select(col(Payment.id)).where(*of_gateway))


async def _any(session: AsyncSession, query: Any) -> bool:
    return bool((await session.execute(select(exists(query)))).scalar_one())
