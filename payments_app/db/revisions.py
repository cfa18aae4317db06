"""Whether the database has the tables that this version of the portal expects."""

from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

_MIGRATIONS: Final = Path(__file__).parents[2].joinpath("alembic")


@cache
def newest() -> str:
    """Return the last migration of this version."""
    from alembic.script import ScriptDirectory  # The start of the portal does not wait for it.

    return ScriptDirectory(str(_MIGRATIONS)).get_current_head() or ""


async def pending(session: AsyncSession) -> bool:
    """Tell whether migrations have to run before this version may use the database."""
    try:
        found = (await session.execute(text("select version_num from alembic_version"))).scalars()
    except DBAPIError:
        return True
    return set(found) != {newest()}
