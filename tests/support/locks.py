"""Who waits for a lock in PostgreSQL."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_WAITING = text("select count(*) from pg_locks where not granted")


async def waiting(session: AsyncSession) -> int:
    """Return how many locks are waited for, in all databases of the server."""
    count: int = (await session.execute(_WAITING)).scalar_one()
    return count
