"""Many rows as one parameter: a JSON text that the database takes apart itself.

So one statement writes them all. A driver that sends them row by row takes longer than the rows do,
and a statement that is put together for each group takes longer than its group; what is made here
is for statements that are made once, for a dialect.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    FromClause,
    String,
    Table,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from payments_app.db.columns import UtcDateTime

_ROWS: Final = "given_rows"


def given(rows: Sequence[Mapping[str, Any]], **others: Any) -> dict[str, Any]:
    """Return the parameters of a statement that takes rows, and others by their names.

    Values are text, whole numbers, truth values and None; what is to be JSON is already written as
    text. Raises ValueError (UnicodeError) for text that no database takes.
    """
    # ASCII escapes would hide what cannot be encoded until the database reads it.
    written = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return {_ROWS: written, **{f"given_{name}": value for name, value in others.items()}}


def text_given(name: str) -> BindParameter[str]:
    """Return the place of another parameter, a text."""
    return bindparam(f"given_{name}", type_=String())


def time_given(name: str) -> BindParameter[Any]:
    """Return the place of another parameter, a point in time."""
    return bindparam(f"given_{name}", type_=UtcDateTime())


def unpacked(dialect: str, **types: TypeEngine[Any]) -> FromClause:
    """Return the given rows as something to select from, with a column of its type for each
    name."""
    written = bindparam(_ROWS, type_=String())
    if dialect == "sqlite":
        each = func.json_each(written).table_valued("value")
        columns = (
            func.json_extract(each.c.value, f"$.{name}", type_=type_).label(name)
            for name, type_ in types.items()
        )
        return select(*columns).subquery("unpacked")
    named = (column(name, type_) for name, type_ in types.items())
    records = func.json_to_recordset(cast(written, JSON))
    return records.table_valued(*named, name="unpacked").render_derived(with_types=True)


def as_json(dialect: str, written: ColumnElement[str]) -> ColumnElement[Any]:
    """Return JSON that was written as text, as a column of JSON stores it."""
    return written if dialect == "sqlite" else cast(written, JSON)


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements that need none of its objects."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table
