"""How often something failed lately, by hashed key, for all workers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.access_models import Failures
from payments_app.db.ledger import insert_into


async def lock(
    session: AsyncSession, keys: Sequence[bytes], since: datetime
) -> dict[bytes, Failures]:
    """Return what is counted for the keys, after forgetting all that failed before ``since``.

    The rows stay locked until the transaction ends; in one order, so that nobody waits in a ring.
    """
    await session.execute(delete(Failures).where(col(Failures.last_at) <= since))
    query = select(Failures).where(col(Failures.key).in_(keys)).order_by(col(Failures.key))
    rows = (await session.execute(query.with_for_update())).scalars()
    return {row.key: row for row in rows}


async def add(session: AsyncSession, key: bytes, now: datetime) -> None:
    """Count one failure more."""
    insert = insert_into(session, Failures).values(key=key, count=1, last_at=now)
    await session.execute(
        insert.on_conflict_do_update(
            index_elements=["key"], set_={"count": col(Failures.count) + 1, "last_at": now}
        )
    )


async def take_back(session: AsyncSession, key: bytes) -> None:
    """Count one failure less."""
    await session.execute(
        update(Failures).where(col(Failures.key) == key).values(count=col(Failures.count) - 1)
    )


async def forget(session: AsyncSession, key: bytes) -> None:
    """Forget all failures of a key."""
    await session.execute(delete(Failures).where(col(Failures.key) == key))
