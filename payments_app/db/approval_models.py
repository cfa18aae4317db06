"""The table of what a second member of staff has to approve."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, text
from sqlmodel import Field

from payments_app.db.columns import Stored, key_column, reference_to, time_column


class ApprovalRequest(Stored, table=True):
    """A refund or a payment by hand above the limit, which waits for someone else.

    ``action`` is what happens when it is approved and ``order`` what that needs, as JSON;
    ``payment_reference`` is the row that came of it. ``amount`` is signed, in minor units.
    """

    __tablename__ = "approval_request"

    id: int | None = key_column()
    action: str = Field(max_length=20)
    subject: str = Field(max_length=100)
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    order: dict[str, Any] = Field(sa_type=JSON)
    reason: str = Field(max_length=500)
    requested_by: int = reference_to("app_user.id")
    requested_at: datetime = time_column()
    decided_by: int | None = reference_to("app_user.id", default=None)
    decided_at: datetime | None = time_column(default=None)
    approved: bool | None = None
    payment_reference: str | None = Field(default=None, max_length=20)

    __table_args__ = (
        CheckConstraint("decided_by is null or decided_by <> requested_by", name="second_person"),
        CheckConstraint(
            "(decided_by is null) = (decided_at is null)"
            " and (decided_by is null) = (approved is null)",
            name="decided",
        ),
        Index(
            "ix_approval_request_waiting",
            "id",
            sqlite_where=text("decided_at is null"),
            postgresql_where=text("decided_at is null"),
        ),
    )
