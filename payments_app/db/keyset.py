"""Paging by keyset: a page starts behind the sort key of the row before it, never at an offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, tuple_

Cursor = tuple[Any, ...]
"""Where a page starts: the sort key of the row before it."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """The columns that rows are sorted by, unique together, all in one direction."""

    columns: tuple[Any, ...]
    descends: bool

    def sort(self, query: Select[Any]) -> Select[Any]:
        """Return the query in this order."""
        return query.order_by(*(c.desc() if self.descends else c.asc() for c in self.columns))

    def beyond(self, *, raw: bool = False) -> ColumnElement[bool]:
        """Return the condition of the rows behind the one whose ``cursor()`` is given to it.

        With ``raw`` SQLite's own driver takes the parameters, as it has read them.
        """
        names = [f"after_{number}" for number in range(len(self.columns))]
        edge = tuple_(
            *(
                literal_column(f":{name}") if raw else bindparam(name, type_=column.type)
                for name, column in zip(names, self.columns, strict=True)
            )
        )
        key = tuple_(*self.columns)
        return key < edge if self.descends else key > edge

    def cursor(self, key: Sequence[Any]) -> dict[str, Any]:
        """Return the parameters of ``beyond()`` for a row's key."""
        return {f"after_{number}": value for number, value in enumerate(key)}
