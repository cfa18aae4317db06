"""Who works on a payment in review, and what waits for a second person.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("payment", sa.Column("assigned_to", KEY, nullable=True))
    op.create_index(
        "ix_payment_in_review",
        "payment",
        ["id"],
        sqlite_where=sa.text("in_review"),
        postgresql_where=sa.text("in_review"),
    )
    op.create_table(
        "approval_request",
        sa.Column("id", KEY, nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("order", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("requested_by", KEY, nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("decided_by", KEY, nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("payment_reference", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "decided_by is null or decided_by <> requested_by",
            name="ck_approval_request_second_person",
        ),
        sa.CheckConstraint(
            "(decided_by is null) = (decided_at is null)"
            " and (decided_by is null) = (approved is null)",
            name="ck_approval_request_decided",
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["app_user.id"], name="fk_approval_request_requested_by"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["app_user.id"], name="fk_approval_request_decided_by"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approval_request"),
    )
    op.create_index(
        "ix_approval_request_waiting",
        "approval_request",
        ["id"],
        sqlite_where=sa.text("decided_at is null"),
        postgresql_where=sa.text("decided_at is null"),
    )


def downgrade() -> None:
    op.drop_table("approval_request")
    op.drop_index("ix_payment_in_review", "payment")
    op.drop_column("payment", "assigned_to")
