"""Acknowledgements of alerts, and an index of the webhooks that are not handled.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UNHANDLED = sa.text("handled_at is null")


def upgrade() -> None:
    op.add_column("alert", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_gateway_event_open",
        "gateway_event",
        ["id"],
        sqlite_where=UNHANDLED,
        postgresql_where=UNHANDLED,
    )


def downgrade() -> None:
    op.drop_index("ix_gateway_event_open", "gateway_event")
    op.drop_column("alert", "acknowledged_at")
