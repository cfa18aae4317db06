"""Rows of plain columns, past the objects that a session keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncSession


async def rows(
    session: AsyncSession, query: Executable, values: Mapping[str, Any] | None = None
) -> Sequence[Any]:
    """Return what a query finds in the session's transaction.

    To look for objects in it takes a session as long as to read it.
    """
    connection = await session.connection()
    return (await connection.execute(query, values)).all()
