"""The tables of the staff's own work: what was done, by whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from payments_app.db.columns import Key, Stored, key_column, reference_to, time_column


class AuditEntry(Stored, table=True):
    """One thing that someone did. Rows are chained: a changed or missing one shows.

    ``subject`` names what it was done to (``payment:P123``, ``account:7``); ``before`` and
    ``after`` hold the values that changed. ``hash`` covers the hash before it and the row, whose
    personal part (actor, address and values) by ``personal_hash``, a digest with ``salt``. Erasing
    blanks that part and its salt; ``erased_by`` is the number of the entry that tells of it.
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
    salt: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    personal_hash: bytes = Field(default=b"", sa_type=LargeBinary)
    erased_by: int | None = Field(default=None, sa_type=Key)

    __table_args__ = (Index("ix_audit_entry_subject", "subject", "id"),)


class AuditHead(Stored, table=True):
    """The one row that says where the audit log ends, and what its last full check found.

    Rows cut off at the log's end show against it. ``entry_id`` and ``hash`` are the newest row's;
    ``broken_id`` is the first row that did not hold at ``checked_at``.
    """

    __tablename__ = "audit_head"

    id: int | None = key_column()
    entry_id: int = Field(default=0, sa_type=Key)
    hash: bytes = Field(default=b"", sa_type=LargeBinary)
    checked_at: datetime | None = time_column(default=None)
    broken_id: int | None = Field(default=None, sa_type=Key)

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class AccountNote(Stored, table=True):
    """What staff wrote down about an account, for staff only."""

    __tablename__ = "account_note"

    id: int | None = key_column()
    account_id: int = reference_to("account.id", index=True)
    user_id: int = reference_to("app_user.id")
    at: datetime = time_column()
    text: str = Field(max_length=2000)


class SavedView(Stored, table=True):
    """A view of the list of payments to which one member of staff has given a name.

    ``query`` is the query of its address; ``hidden`` names the columns put away, between commas.
    """

    __tablename__ = "saved_view"

    id: int | None = key_column()
    user_id: int = reference_to("app_user.id")
    name: str = Field(max_length=60)
    query: str = Field(default="", max_length=4000)
    hidden: str = Field(default="", max_length=200)
    saved_at: datetime = time_column()

    __table_args__ = (UniqueConstraint("user_id", "name"),)
