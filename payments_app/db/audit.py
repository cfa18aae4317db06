"""The audit log's rows: appended one after another, each chained to the one before."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, select
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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows; each text that is set narrows the list. ``subject`` is a beginning."""

    actor: str = ""
    action: str = ""
    subject: str = ""


async def page(
    session: AsyncSession, chosen: AuditFilter, before_id: int | None, limit: int
) -> Sequence[AuditEntry]:
    """Return up to ``limit`` rows before the one of this number, the newest first."""
    query = select(AuditEntry).where(*_conditions(chosen)).order_by(col(AuditEntry.id).desc())
    if before_id is not None:
        query = query.where(col(AuditEntry.id) < before_id)
    return (await session.execute(query.limit(limit))).scalars().all()


def _conditions(chosen: AuditFilter) -> list[ColumnElement[bool]]:
    conditions = []
    if chosen.actor:
        conditions.append(col(AuditEntry.actor).icontains(chosen.actor, autoescape=True))
    if chosen.action:
        conditions.append(col(AuditEntry.action).icontains(chosen.action, autoescape=True))
    if chosen.subject:
        conditions.append(col(AuditEntry.subject).startswith(chosen.subject, autoescape=True))
    return conditions
