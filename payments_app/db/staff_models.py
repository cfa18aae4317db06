"""The tables of the staff's own work: what was done, by whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary
from sqlmodel import Field

from payments_app.db.columns import Stored, key_column, reference_to, time_column


class AuditEntry(Stored, table=True):
    """One thing that someone did. Rows are chained: a changed or missing one shows.

    ``subject`` names what it was done to (``payment:P123``, ``account:7``); ``before`` and
    ``after`` hold the values that changed. ``hash`` covers the row and the hash before it.
    """

    __tablename__ = "audit_entry"

    id: int | None = key_column()
    at: datetime = time_column()
    user_id: int | None = reference_to("app_user.id", default=None, index=True)
    actor: str = Field(max_length=254)
    address: str = Field(default="", max_length=64)
    action: str = Field(max_length=60)
    subject: str = Field(max_length=100)
    before: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    after: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    hash: bytes = Field(sa_type=LargeBinary, unique=True)

    __table_args__ = (Index("ix_audit_entry_subject", "subject", "id"),)
