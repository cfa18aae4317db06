"""Run the migrations on the portal's own metadata, one process at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlmodel.sql.sqltypes import AutoString

from payments_app.db.columns import UtcDateTime
from payments_app.db.engine import Database, Limits
from payments_app.db.schema import METADATA
from payments_app.settings import Settings

_ADVISORY_LOCK = 7_262_017_001
_LOCK_SECONDS = 600  # others that start at the same time wait for the first one's migration


def _same_type(_context, _inspected, _metadata, inspected_type, metadata_type) -> bool | None:
    """Tell alembic that a UtcDateTime is the database's own time type; None lets it compare."""
    return False if isinstance(metadata_type, UtcDateTime) else None


def _portable_type(kind, item, _autogen) -> str | bool:
    """Write plain SQLAlchemy types into migrations, which must outlive the models' own."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})"
    return False


def _is_of_models(_object, name, kind, _reflected, _compared) -> bool:
    """Leave out what migrations write in plain SQL: the search index and its tables."""
    return kind not in ("table", "index") or "payment_search" not in name


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=_same_type,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_portable_type,
        include_object=_is_of_models,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"select pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        context.run_migrations()


async def _migrate() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or Settings().database_url
    database = Database(url, Limits(lock=_LOCK_SECONDS))
    try:
        async with database.write() as session:
            await (await session.connection()).run_sync(_run)
    finally:
        await database.close()


asyncio.run(_migrate())
