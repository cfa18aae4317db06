"""Which of the two databases a session talks to."""

from sqlalchemy.ext.asyncio import AsyncSession


def dialect_of(session: AsyncSession) -> str:
    """Return the name of the dialect that a session's statements are made for."""
    return session.get_bind().dialect.name


def is_sqlite(session: AsyncSession) -> bool:
    """Tell whether this is the embedded database."""
    return dialect_of(session) == "sqlite"
