"""Many rows as one parameter: a JSON text that the database takes apart itself.

So one statement writes them all. A driver that sends them row by row takes longer than the rows do.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, FromClause, String, cast, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine


def unpacked(
    session: AsyncSession, rows: Sequence[Mapping[str, Any]], **types: TypeEngine[Any]
) -> FromClause:
    """Return rows as something to select from, with a column of its type for each name.

    Values are text, whole numbers, truth values and None; what is to be JSON is already written as
    text. Raises ValueError (UnicodeError) for text that no database takes.
    """
    # ASCII escapes would hide what cannot be encoded until the database reads it.
    written = literal(json.dumps(rows, ensure_ascii=False, separators=(",", ":")), String)
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(written).table_valued("value")
        columns = (
            func.json_extract(each.c.value, f"$.{name}", type_=type_).label(name)
            for name, type_ in types.items()
        )
        return select(*columns).subquery("unpacked")
    named = (column(name, type_) for name, type_ in types.items())
    records = func.json_to_recordset(cast(written, JSON))
    return records.table_valued(*named, name="unpacked").render_derived(with_types=True)


def as_json(session: AsyncSession, written: ColumnElement[str]) -> ColumnElement[Any]:
    """Return JSON that was written as text, as a column of JSON stores it."""
    if session.get_bind().dialect.name == "sqlite":
        return written
    return cast(written, JSON)
