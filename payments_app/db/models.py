"""The tables. Database constraints make the wrong impossible, whatever the code does.

Amounts are minor units, times are UTC. Rows never go to a page: ``services`` return small values.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from payments_app.db.columns import (
    Key,
    Stored,
    key_column,
    one_of,
    reference_to,
    sql_list,
    time_column,
)
from payments_app.domain.payment import (
    LINKED_KINDS,
    NEGATIVE_KINDS,
    STAFF_ROLES,
    PaymentKind,
    PaymentStatus,
    Role,
)


class Account(Stored, table=True):
    """A customer company. ``minimum_payment`` and ``debit_limit`` are in its home currency.

    ``currencies`` and ``methods`` (codes of gateways) are what it may pay with; None is all.
    ``erased_at`` is when its personal data was erased, for good.
    """

    id: int | None = key_column()
    name: str = Field(max_length=200)
    home_currency: str = Field(max_length=3)
    minimum_payment: int = Field(default=0, sa_type=BigInteger)
    debit_limit: int = Field(default=0, sa_type=BigInteger)
    currencies: list[str] | None = Field(default=None, sa_type=JSON)
    methods: list[str] | None = Field(default=None, sa_type=JSON)
    created_at: datetime = time_column()
    disabled_at: datetime | None = time_column(default=None)
    erased_at: datetime | None = time_column(default=None)

    __table_args__ = (
        CheckConstraint("length(home_currency) = 3", name="currency"),
        CheckConstraint("minimum_payment >= 0 and debit_limit >= 0", name="limits"),
    )


class User(Stored, table=True):
    """Someone who logs in: a customer of one account, or staff of none.

    ``totp_secret`` is the sealed key of the second factor, in use since ``totp_since``;
    ``totp_step`` is the time step of the code that was used last, which never counts again.
    ``time_zone`` and ``locale`` are empty until the first login or a choice.
    """

    __tablename__ = "app_user"

    id: int | None = key_column()
    email: str = Field(max_length=254, unique=True)
    name: str = Field(max_length=200)
    password_hash: str = Field(max_length=200, repr=False)
    role: Role = Field(sa_type=one_of(Role, "role"))
    account_id: int | None = reference_to("account.id", default=None, index=True)
    time_zone: str = Field(default="", max_length=64)
    locale: str = Field(default="", max_length=16)
    totp_secret: str | None = Field(default=None, max_length=300, repr=False)
    totp_since: datetime | None = time_column(default=None)
    totp_step: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = time_column()
    disabled_at: datetime | None = time_column(default=None)

    __table_args__ = (
        CheckConstraint(
            f"(role in ({sql_list(STAFF_ROLES)})) = (account_id is null)",
            name="staff_has_no_account",
        ),
        CheckConstraint("email = lower(email)", name="email_lower_case"),
    )


class LoginSession(Stored, table=True):
    """One login of one browser; only the hashes of its token and of its device's are kept.

    While ``view_as_account_id`` is set, a member of staff sees what that account's customers see.
    """

    __tablename__ = "login_session"

    id: int | None = key_column()
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, repr=False)
    user_id: int = reference_to("app_user.id", index=True)
    created_at: datetime = time_column()
    last_seen_at: datetime = time_column()
    expires_at: datetime = time_column()
    revoked_at: datetime | None = time_column(default=None)
    address: str = Field(default="", max_length=64)
    user_agent: str = Field(default="", max_length=300)
    device_hash: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    view_as_account_id: int | None = reference_to("account.id", default=None)


class Payment(Stored, table=True):
    """One signed row on an account.

    ``amount`` is what the balance moves by; ``charge_amount`` and ``charge_currency`` are what the
    gateway is asked for (with a surcharge, or in its settlement currency), None where no gateway
    is involved. ``fee`` is the gateway's, for reference. ``dated_at`` is the date that lists show
    and sort by: when the payment completed, until then when it was created.
    ``private_note`` and ``assigned_to``, who looks into it, are for staff only. ``next_check_at``
    says when the sweep asks the gateway again; ``next_action`` is what the customer has to do,
    never with a secret.
    """

    id: int | None = key_column()
    reference: str = Field(max_length=20, unique=True)
    account_id: int = reference_to("account.id")
    user_id: int | None = reference_to("app_user.id", default=None, index=True)
    parent_id: int | None = Field(default=None, sa_type=Key, index=True)
    kind: PaymentKind = Field(sa_type=one_of(PaymentKind, "kind"))
    status: PaymentStatus = Field(
        default=PaymentStatus.PENDING, sa_type=one_of(PaymentStatus, "status")
    )
    reason: str | None = Field(default=None, max_length=100)
    in_review: bool = False
    assigned_to: int | None = Field(default=None, sa_type=Key)
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    charge_amount: int | None = Field(default=None, sa_type=BigInteger)
    charge_currency: str | None = Field(default=None, max_length=3)
    fee: int | None = Field(default=None, sa_type=BigInteger)
    gateway: str | None = Field(default=None, max_length=30)
    channel: str | None = Field(default=None, max_length=40)
    method_detail: str | None = Field(default=None, max_length=80)
    gateway_reference: str | None = Field(default=None, max_length=128)
    description: str = Field(default="", max_length=500)
    private_note: str = Field(default="", max_length=500)
    idempotency_key: str | None = Field(default=None, max_length=64)
    next_action: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    checks: int = 0
    checked_at: datetime | None = time_column(default=None)
    next_check_at: datetime | None = time_column(default=None)
    expires_at: datetime | None = time_column(default=None)
    created_at: datetime = time_column()
    completed_at: datetime | None = time_column(default=None)
    dated_at: datetime = time_column()

    __table_args__ = (
        UniqueConstraint("account_id", "idempotency_key"),
        UniqueConstraint("gateway", "gateway_reference"),
        UniqueConstraint("id", "account_id", "currency"),
        # A refund or chargeback cannot point into another account or another currency.
        ForeignKeyConstraint(
            ["parent_id", "account_id", "currency"],
            ["payment.id", "payment.account_id", "payment.currency"],
            name="fk_payment_parent",
        ),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint(
            f"case when kind = 'top_up' then amount > 0"
            f" when kind in ({sql_list(NEGATIVE_KINDS)}) then amount < 0 else amount <> 0 end",
            name="sign_by_kind",
        ),
        CheckConstraint(
            f"kind not in ({sql_list(LINKED_KINDS)}) or parent_id is not null",
            name="linked_kinds",
        ),
        CheckConstraint(
            "(status = 'completed') = (completed_at is not null)",
            name="completed_has_time",
        ),
        CheckConstraint("length(currency) = 3 and currency = upper(currency)", name="currency"),
        CheckConstraint(
            "(charge_amount is null) = (charge_currency is null)"
            " and (charge_amount is null or charge_amount > 0)",
            name="charge",
        ),
        CheckConstraint("fee is null or fee >= 0", name="fee_not_negative"),
        CheckConstraint("status <> 'cancelled' or reason is not null", name="cancelled_has_reason"),
        Index("ix_payment_account_dated", "account_id", "dated_at", "id"),
        Index("ix_payment_dated", "dated_at", "id"),
        # One for each filter with each order, which also hold what else a list filters by.
        Index(
            "ix_payment_account_status_dated",
            *("account_id", "status", "dated_at", "id", "gateway"),
        ),
        Index(
            "ix_payment_account_gateway_dated",
            *("account_id", "gateway", "dated_at", "id", "status"),
        ),
        Index(
            "ix_payment_account_total",
            *("account_id", "currency", "amount", "id", "status", "gateway", "dated_at"),
        ),
        Index(
            "ix_payment_account_status_total",
            *("account_id", "status", "currency", "amount", "id", "gateway"),
        ),
        Index(
            "ix_payment_account_gateway_total",
            *("account_id", "gateway", "currency", "amount", "id", "status"),
        ),
        Index(
            "ix_payment_open",
            "account_id",
            "currency",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_payment_in_review",
            "id",
            sqlite_where=text("in_review"),
            postgresql_where=text("in_review"),
        ),
        Index(
            "ix_payment_due",
            "next_check_at",
            sqlite_where=text("next_check_at is not null"),
            postgresql_where=text("next_check_at is not null"),
        ),
    )


class Balance(SQLModel, table=True):
    """The sum of an account's Completed rows in one currency, kept in the same commit as they."""

    account_id: int = Field(sa_type=Key, primary_key=True, foreign_key="account.id")
    currency: str = Field(primary_key=True, max_length=3)
    amount: int = Field(default=0, sa_type=BigInteger)


class PaymentTotal(SQLModel, table=True):
    """What an account's payments come to in one currency: how many of each status, and the signed
    sums of two of them.

    The database itself keeps it at every change of a payment (migration 0022), however that came
    about. Nothing else writes it.
    """

    __tablename__ = "payment_total"

    account_id: int = Field(sa_type=Key, primary_key=True, foreign_key="account.id")
    currency: str = Field(primary_key=True, max_length=3)
    pending: int = Field(sa_type=BigInteger)
    completed: int = Field(sa_type=BigInteger)
    cancelled: int = Field(sa_type=BigInteger)
    pending_amount: int = Field(sa_type=BigInteger)
    completed_amount: int = Field(sa_type=BigInteger)


class TimelineEntry(Stored, table=True):
    """One thing that happened to a payment. ``code`` is put into words where it is shown."""

    __tablename__ = "timeline_entry"

    id: int | None = key_column()
    payment_id: int = reference_to("payment.id", index=True)
    at: datetime = time_column()
    code: str = Field(max_length=40)
    actor: str = Field(default="", max_length=100)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class InboxEvent(Stored, table=True):
    """One webhook, stored before it is answered and handled afterwards.

    ``event`` is the translated ``GatewayEvent``; ``body`` is the scrubbed original. Refused ones
    are kept too, with ``verified`` false, and are never handled. ``claimed_by`` is the worker that
    handles it, ``fault`` why the last attempt failed. One that is verified and neither handled nor
    has a next attempt is a dead letter. Headers, body and ``event`` are gone since ``emptied_at``.
    """

    __tablename__ = "gateway_event"

    id: int | None = key_column()
    gateway: str = Field(max_length=30)
    event_id: str = Field(max_length=200)
    kind: str = Field(default="", max_length=80)
    reference: str | None = Field(default=None, max_length=128, index=True)
    gateway_reference: str | None = Field(default=None, max_length=128, index=True)
    verified: bool
    event: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    headers: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    body: str = ""
    payment_id: int | None = reference_to("payment.id", default=None, index=True)
    received_at: datetime = time_column()
    times_received: int = 1
    handled_at: datetime | None = time_column(default=None)
    outcome: str | None = Field(default=None, max_length=100)
    attempts: int = 0
    next_attempt_at: datetime | None = time_column(default=None)
    claimed_by: str | None = Field(default=None, max_length=100)
    fault: str | None = Field(default=None, max_length=200)
    emptied_at: datetime | None = time_column(default=None)

    __table_args__ = (
        UniqueConstraint("gateway", "event_id"),
        Index(
            "ix_gateway_event_open",
            "id",
            sqlite_where=text("handled_at is null"),
            postgresql_where=text("handled_at is null"),
        ),
        Index(
            "ix_gateway_event_due",
            "next_attempt_at",
            sqlite_where=text("next_attempt_at is not null"),
            postgresql_where=text("next_attempt_at is not null"),
        ),
        Index(
            "ix_gateway_event_unmatched",
            "id",
            sqlite_where=text("outcome = 'unmatched'"),
            postgresql_where=text("outcome = 'unmatched'"),
        ),
        Index("ix_gateway_event_received", "received_at", "id"),
        Index("ix_gateway_event_gateway_received", "gateway", "received_at", "id"),
    )
