"""Paging by keyset: a page starts behind the sort key of the row before it, never at an offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, tuple_

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

    def beyond(self) -> ColumnElement[bool]:
        """Return the condition of the rows behind the one whose ``cursor()`` is given to it."""
        edge = tuple_(*(bindparam(f"after_{n}", type_=c.type) for n, c in enumerate(self.columns)))
        key = tuple_(*self.columns)
        return key < edge if self.descends else key > edge

    def cursor(self, key: Sequence[Any]) -> dict[str, Any]:
        """Return the parameters of ``beyond()`` for a row's key."""
        return {f"after_{number}": value for number, value in enumerate(key)}
