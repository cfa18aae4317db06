"""The tables of e-mail: the outbox, and what each user wants to be told."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from payments_app.db.columns import Key, Stored, key_column, reference_to, time_column


class Mail(Stored, table=True):
    """One e-mail to one user, written in the transaction of what it tells about.

    ``about`` names the occasion, so that it is told once: a payment's reference, say. The text is
    made when it is sent; ``data`` holds what that needs and is emptied afterwards, since it may be
    a link that logs in. ``next_attempt_at`` is None once it was sent or given up.
    """

    id: int | None = key_column()
    kind: str = Field(max_length=30)
    user_id: int = reference_to("app_user.id")
    recipient: str = Field(max_length=254)
    about: str = Field(max_length=64)
    payment_id: int | None = reference_to("payment.id", default=None, index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON, repr=False)
    created_at: datetime = time_column()
    attempts: int = 0
    next_attempt_at: datetime | None = time_column(default=None)
    sent_at: datetime | None = time_column(default=None)
    outcome: str = Field(default="", max_length=200)

    __table_args__ = (
        UniqueConstraint("user_id", "kind", "about", name="uq_mail_occasion"),
        Index(
            "ix_mail_due",
            "next_attempt_at",
            sqlite_where=text("next_attempt_at is not null"),
            postgresql_where=text("next_attempt_at is not null"),
        ),
        Index(
            "ix_mail_unsent",
            "id",
            sqlite_where=text("sent_at is null"),
            postgresql_where=text("sent_at is null"),
        ),
        Index("ix_mail_recipient", "recipient", "id"),
    )


class MailChoice(SQLModel, table=True):
    """What a user chose; without a row everything is sent, except about a low balance.

    ``muted`` lists kinds not to be sent. ``low_balance`` is the limit in minor units of the
    account's home currency, None for not to be told.
    """

    __tablename__ = "mail_choice"

    user_id: int = Field(sa_type=Key, primary_key=True, foreign_key="app_user.id")
    muted: list[str] = Field(default_factory=list, sa_type=JSON)
    low_balance: int | None = Field(default=None, sa_type=BigInteger)

    __table_args__ = (
        CheckConstraint("low_balance is null or low_balance > 0", name="low_balance"),
    )
