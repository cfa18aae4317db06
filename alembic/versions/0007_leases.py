"""Leases of background work, and who handles a webhook.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.add_column("gateway_event", sa.Column("claimed_by", sa.String(length=100), nullable=True))
    op.add_column("gateway_event", sa.Column("fault", sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column("gateway_event", "fault")
    op.drop_column("gateway_event", "claimed_by")
    op.drop_table("lease")
