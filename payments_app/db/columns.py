"""What all tables are made of: keys, times, enumerations, and names for constraints."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Enum, Integer, MetaData, TypeDecorator
from sqlmodel import Field, SQLModel

# Constraints get names, so that migrations can change them on every database.
SQLModel.metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit keys; SQLite numbers rows by itself only in a plain INTEGER column."""


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, always aware and in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        """Take only aware times, as UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """Give back UTC; SQLite forgets the zone."""
        return value and value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


def key_column() -> Any:
    """A number that the database gives, the primary key."""
    return Field(default=None, sa_type=Key, primary_key=True)


def reference_to(target: str, **options: Any) -> Any:
    """A foreign key to ``table.column``."""
    return Field(sa_type=Key, foreign_key=target, **options)


def time_column(**options: Any) -> Any:
    """A point in time in UTC."""
    return Field(sa_type=UtcDateTime, **options)


def one_of(values: type[StrEnum], name: str) -> Any:
    """A text column that the database holds to the enumeration's values."""
    return Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


def sql_list(values: Iterable[str]) -> str:
    """Write values as the inside of an SQL ``in (...)``."""
    return ", ".join(f"'{value}'" for value in sorted(values))


class Stored(SQLModel):
    """What all tables with a number for a key share."""

    @property
    def key(self) -> int:
        """The row's number; raises LookupError before the row is stored."""
        number: int | None = getattr(self, "id", None)
        if number is None:
            raise LookupError("the row is not stored yet")
        return number
