"""The tables around logging in: brakes on guessing, links by e-mail, recovery codes."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from payments_app.db.columns import Stored, key_column, one_of, reference_to, time_column


class Purpose(StrEnum):
    """What a link sent by e-mail is for."""

    RESET = "reset"
    INVITATION = "invitation"


class Failures(SQLModel, table=True):
    """How often something failed lately; ``key`` is a hash, so that no typed text is kept."""

    __tablename__ = "failures"

    key: bytes = Field(sa_type=LargeBinary, primary_key=True)
    count: int
    last_at: datetime = time_column(index=True)


class EmailLink(Stored, table=True):
    """A link that lets its receiver choose a password, once; only the token's hash is kept."""

    __tablename__ = "email_link"

    id: int | None = key_column()
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, repr=False)
    user_id: int = reference_to("app_user.id", index=True)
    purpose: Purpose = Field(sa_type=one_of(Purpose, "purpose"))
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    used_at: datetime | None = time_column(default=None)


class RecoveryCode(Stored, table=True):
    """Lets its owner in once without the second factor; only its hash is kept."""

    __tablename__ = "recovery_code"

    id: int | None = key_column()
    user_id: int = reference_to("app_user.id", index=True)
    code_hash: bytes = Field(sa_type=LargeBinary, repr=False)
    used_at: datetime | None = time_column(default=None)
