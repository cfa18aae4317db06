"""The audit log's rows: appended one after another, each chained to the one before."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.staff_models import AuditEntry, AuditHead

_ROWS_PER_FETCH: Final = 500


async def lock_head(session: AsyncSession) -> AuditHead:
    """Return the row that says where the log ends; nobody else appends until the transaction ends.

    PostgreSQL locks the row, SQLite's write transaction excludes others anyway.
    """
    query = select(AuditHead).with_for_update()
    return (await session.execute(query)).scalar_one()


async def head(session: AsyncSession) -> AuditHead:
    """Return the row that says where the log ends."""
    return (await session.execute(select(AuditHead))).scalar_one()


async def has_hash(session: AsyncSession, entry_hash: bytes) -> bool:
    """Tell whether a row has this hash."""
    query = select(col(AuditEntry.id)).where(col(AuditEntry.hash) == entry_hash)
    return (await session.execute(query)).first() is not None


async def stream(session: AsyncSession, last_id: int) -> AsyncIterator[Sequence[AuditEntry]]:
    """Give all rows up to the one of this number, oldest first, some hundred at a time."""
    query = select(AuditEntry).where(col(AuditEntry.id) <= last_id).order_by(col(AuditEntry.id))
    rows = await session.stream_scalars(query.execution_options(yield_per=_ROWS_PER_FETCH))
    async for some in rows.partitions():
        yield some
