"""What owners set over gateways, how gateways answer, and reconciliation.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "gateway_override",
        sa.Column("gateway", sa.String(30), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.Column("set_by", KEY, nullable=True),
        sa.ForeignKeyConstraint(["set_by"], ["app_user.id"], name="fk_gateway_override_set_by"),
        sa.PrimaryKeyConstraint("gateway", name="pk_gateway_override"),
    )
    op.create_table(
        "gateway_minute",
        sa.Column("gateway", sa.String(30), nullable=False),
        sa.Column("minute", MOMENT, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("last_success_at", MOMENT, nullable=True),
        sa.Column("last_fault_at", MOMENT, nullable=True),
        sa.Column("last_fault", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "minute", name="pk_gateway_minute"),
    )
    _reconciliation()


def _reconciliation() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("gateway", sa.String(30), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("failed", sa.String(200), nullable=True),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation"),
    )
    op.create_index("ix_reconciliation_gateway_day", "reconciliation", ["gateway", "day", "id"])
    table = "reconciliation_difference"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        sa.Column("reconciliation_id", KEY, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("payment_id", KEY, nullable=True),
        sa.Column("reference", sa.String(128), nullable=True),
        sa.Column("gateway_reference", sa.String(128), nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("ours", sa.BigInteger(), nullable=True),
        sa.Column("theirs", sa.BigInteger(), nullable=True),
        sa.Column("our_status", sa.String(20), nullable=True),
        sa.Column("their_status", sa.String(20), nullable=True),
        sa.Column("at", MOMENT, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_as", sa.String(40), nullable=True),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"], ["reconciliation.id"], name=f"fk_{table}_reconciliation_id"
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=f"fk_{table}_payment_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_reconciliation_id", table, ["reconciliation_id"])


def downgrade() -> None:
    for table in (
        "reconciliation_difference",
        "reconciliation",
        "gateway_minute",
        "gateway_override",
    ):
        op.drop_table(table)
