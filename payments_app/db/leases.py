"""Leases: which worker may do a piece of work, and until when."""

from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.ledger import insert_into
from payments_app.db.work_models import Lease


async def take(
    session: AsyncSession, name: str, holder: str, now: datetime, until: datetime
) -> bool:
    """Take or renew a lease; False while another worker holds it.

    One statement, so that of several workers at the same moment one gets it.
    """
    insert = insert_into(session, Lease).values(name=name, holder=holder, until=until)
    free = or_(col(Lease.holder) == holder, col(Lease.until) <= now)
    statement = insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": insert.excluded.holder, "until": insert.excluded.until},
        where=free,
    ).returning(col(Lease.name))
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def give_back(session: AsyncSession, name: str, holder: str) -> None:
    """Let another worker take the lease at once."""
    await session.execute(delete(Lease).where(col(Lease.name) == name, col(Lease.holder) == holder))
