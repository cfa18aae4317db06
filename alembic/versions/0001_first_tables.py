"""first tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("home_currency", sa.String(length=3), nullable=False),
        sa.Column("minimum_payment", sa.BigInteger(), nullable=False),
        sa.Column("debit_limit", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(home_currency) = 3", name=op.f("ck_account_currency")),
        sa.CheckConstraint(
            "minimum_payment >= 0 and debit_limit >= 0", name=op.f("ck_account_limits")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_table(
        "app_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "customer",
                "viewer",
                "finance",
                "owner",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "account_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(role in ('finance', 'owner', 'viewer')) = (account_id is null)",
            name=op.f("ck_app_user_staff_has_no_account"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_app_user_email_lower_case")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_app_user_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
        sa.UniqueConstraint("email", name=op.f("uq_app_user_email")),
    )
    with op.batch_alter_table("app_user", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_user_account_id"), ["account_id"], unique=False)

    op.create_table(
        "balance",
        sa.Column(
            "account_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_balance_account_id")),
        sa.PrimaryKeyConstraint("account_id", "currency", name=op.f("pk_balance")),
    )
    op.create_table(
        "login_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_login_session_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_session_token_hash")),
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column(
            "account_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "parent_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "top_up",
                "charge",
                "refund",
                "chargeback",
                "adjustment",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "completed",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("in_review", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("charge_amount", sa.BigInteger(), nullable=True),
        sa.Column("charge_currency", sa.String(length=3), nullable=True),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("gateway", sa.String(length=30), nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=True),
        sa.Column("method_detail", sa.String(length=80), nullable=True),
        sa.Column("gateway_reference", sa.String(length=128), nullable=True),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("private_note", sa.String(length=500), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=True),
        sa.Column("next_action", sa.JSON(), nullable=True),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'completed') = (completed_at is not null)",
            name=op.f("ck_payment_completed_has_time"),
        ),
        sa.CheckConstraint(
            "case when kind = 'top_up' then amount > 0 when kind in ('charge', 'chargeback', 'refund') then amount < 0 else amount <> 0 end",
            name=op.f("ck_payment_sign_by_kind"),
        ),
        sa.CheckConstraint(
            "kind not in ('chargeback', 'refund') or parent_id is not null",
            name=op.f("ck_payment_linked_kinds"),
        ),
        sa.CheckConstraint(
            "status <> 'cancelled' or reason is not null",
            name=op.f("ck_payment_cancelled_has_reason"),
        ),
        sa.CheckConstraint(
            "(charge_amount is null) = (charge_currency is null) and (charge_amount is null or charge_amount > 0)",
            name=op.f("ck_payment_charge"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_payment_amount_not_zero")),
        sa.CheckConstraint("fee is null or fee >= 0", name=op.f("ck_payment_fee_not_negative")),
        sa.CheckConstraint(
            "length(currency) = 3 and currency = upper(currency)",
            name=op.f("ck_payment_currency"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_payment_account_id")),
        sa.ForeignKeyConstraint(
            ["parent_id", "account_id", "currency"],
            ["payment.id", "payment.account_id", "payment.currency"],
            name="fk_payment_parent",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_payment_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint(
            "account_id",
            "idempotency_key",
            name=op.f("uq_payment_account_id_idempotency_key"),
        ),
        sa.UniqueConstraint(
            "gateway",
            "gateway_reference",
            name=op.f("uq_payment_gateway_gateway_reference"),
        ),
        sa.UniqueConstraint(
            "id",
            "account_id",
            "currency",
            name=op.f("uq_payment_id_account_id_currency"),
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_reference")),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payment_account_dated", ["account_id", "dated_at", "id"], unique=False
        )
        batch_op.create_index("ix_payment_dated", ["dated_at", "id"], unique=False)
        batch_op.create_index(
            "ix_payment_due",
            ["next_check_at"],
            unique=False,
            sqlite_where=sa.text("next_check_at is not null"),
            postgresql_where=sa.text("next_check_at is not null"),
        )
        batch_op.create_index(
            "ix_payment_open",
            ["account_id", "currency"],
            unique=False,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
        batch_op.create_index(batch_op.f("ix_payment_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "gateway_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gateway", sa.String(length=30), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("event", sa.JSON(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column(
            "payment_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times_received", sa.Integer(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=100), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_gateway_event_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_event")),
        sa.UniqueConstraint("gateway", "event_id", name=op.f("uq_gateway_event_gateway_event_id")),
    )
    with op.batch_alter_table("gateway_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_gateway_event_due",
            ["next_attempt_at"],
            unique=False,
            sqlite_where=sa.text("next_attempt_at is not null"),
            postgresql_where=sa.text("next_attempt_at is not null"),
        )
        batch_op.create_index(
            batch_op.f("ix_gateway_event_payment_id"), ["payment_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_gateway_event_reference"), ["reference"], unique=False)

    op.create_table(
        "timeline_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "payment_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_timeline_entry_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline_entry")),
    )
    with op.batch_alter_table("timeline_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_timeline_entry_payment_id"), ["payment_id"], unique=False
        )
    _make_completed_rows_final()


def _make_completed_rows_final() -> None:
    """Let the database itself refuse to change or delete a Completed payment's money."""
    changed = " or ".join(
        f"new.{column} <> old.{column}"
        for column in ("status", "amount", "currency", "account_id", "kind")
    )
    if op.get_bind().dialect.name == "sqlite":
        for action, condition in (("update", f"and ({changed})"), ("delete", "")):
            op.execute(
                f"create trigger payment_final_{action} before {action} on payment "
                f"when old.status = 'completed' {condition} "
                "begin select raise(abort, 'a completed payment is final'); end"
            )
        return
    op.execute(
        "create function payment_final() returns trigger language plpgsql as $$ begin "
        "raise exception 'a completed payment is final' "
        "using errcode = 'integrity_constraint_violation'; end $$"
    )
    for action, condition in (("update", f"and ({changed})"), ("delete", "")):
        op.execute(
            f"create trigger payment_final_{action} before {action} on payment for each row "
            f"when (old.status = 'completed' {condition}) execute function payment_final()"
        )


def downgrade() -> None:
    with op.batch_alter_table("timeline_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_timeline_entry_payment_id"))

    op.drop_table("timeline_entry")
    with op.batch_alter_table("gateway_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gateway_event_reference"))
        batch_op.drop_index(batch_op.f("ix_gateway_event_payment_id"))
        batch_op.drop_index(
            "ix_gateway_event_due",
            sqlite_where=sa.text("next_attempt_at is not null"),
            postgresql_where=sa.text("next_attempt_at is not null"),
        )

    op.drop_table("gateway_event")
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_parent_id"))
        batch_op.drop_index(
            "ix_payment_open",
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
        batch_op.drop_index(
            "ix_payment_due",
            sqlite_where=sa.text("next_check_at is not null"),
            postgresql_where=sa.text("next_check_at is not null"),
        )
        batch_op.drop_index("ix_payment_dated")
        batch_op.drop_index("ix_payment_account_dated")

    op.drop_table("payment")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_session_user_id"))

    op.drop_table("login_session")
    op.drop_table("balance")
    with op.batch_alter_table("app_user", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_user_account_id"))

    op.drop_table("app_user")
    op.drop_table("account")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("drop function payment_final()")
