"""The audit log's rows: appended one after another, each chained to the one before."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.staff_models import AuditEntry

_CHAIN_LOCK: Final = 7_262_017_002
_ROWS_PER_FETCH: Final = 500


async def last_hash(session: AsyncSession) -> bytes:
    """Return the newest row's hash, empty before the first; nobody else appends meanwhile.

    SQLite's write transaction excludes others anyway, PostgreSQL takes an advisory lock that ends
    with the transaction.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = text("select pg_advisory_xact_lock(:key)")
        await session.execute(lock, {"key": _CHAIN_LOCK})
    newest = select(col(AuditEntry.hash)).order_by(col(AuditEntry.id).desc()).limit(1)
    return (await session.execute(newest)).scalar_one_or_none() or b""


async def stream(session: AsyncSession) -> AsyncIterator[Sequence[AuditEntry]]:
    """Give all rows, oldest first, some hundred at a time."""
    query = select(AuditEntry).order_by(col(AuditEntry.id))
    rows = await session.stream_scalars(query.execution_options(yield_per=_ROWS_PER_FETCH))
    async for some in rows.partitions():
        yield some
