"""The tables of the portal's own work: which worker does what, and what it found wrong."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from payments_app.db.columns import Stored, key_column, reference_to, time_column


class Lease(SQLModel, table=True):
    """The right to do one piece of work, held by one worker until a time."""

    name: str = Field(max_length=60, primary_key=True)
    holder: str = Field(max_length=100)
    until: datetime = time_column()


class Alert(Stored, table=True):
    """Something wrong that staff have to know of, once while it lasts.

    ``code`` is machine readable, ``subject`` what it is about (``payment:P123``). It lasts until
    ``closed_at``, when it was put right; ``user_id`` has acknowledged it.
    """

    id: int | None = key_column()
    code: str = Field(max_length=60)
    subject: str = Field(max_length=100)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    raised_at: datetime = time_column()
    seen_at: datetime = time_column()
    closed_at: datetime | None = time_column(default=None)
    acknowledged_at: datetime | None = time_column(default=None)
    user_id: int | None = reference_to("app_user.id", default=None)

    __table_args__ = (
        Index(
            "uq_alert_open",
            "code",
            "subject",
            unique=True,
            sqlite_where=text("closed_at is null"),
            postgresql_where=text("closed_at is null"),
        ),
    )
