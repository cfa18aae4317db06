"""The outbox of e-mails and what users want to be told.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DUE = sa.text("next_attempt_at is not null")


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "mail",
        sa.Column("id", key, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("user_id", key, nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("payment_id", key, nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", moment, nullable=True),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_mail_user_id"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="fk_mail_payment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.UniqueConstraint("user_id", "kind", "about", name="uq_mail_occasion"),
    )
    op.create_index(
        "ix_mail_due", "mail", ["next_attempt_at"], sqlite_where=DUE, postgresql_where=DUE
    )
    op.create_index("ix_mail_payment_id", "mail", ["payment_id"])
    op.create_table(
        "mail_choice",
        sa.Column("user_id", key, nullable=False),
        sa.Column("muted", sa.JSON(), nullable=False),
        sa.Column("low_balance", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "low_balance is null or low_balance > 0", name="ck_mail_choice_low_balance"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_mail_choice_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_mail_choice"),
    )


def downgrade() -> None:
    op.drop_table("mail_choice")
    op.drop_table("mail")
