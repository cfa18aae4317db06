"""Find the webhooks that belong to no payment without reading all.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WHERE = sa.text("outcome = 'unmatched'")


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_gateway_event_unmatched",
        "gateway_event",
        ["id"],
        sqlite_where=_WHERE,
        postgresql_where=_WHERE,
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_gateway_event_unmatched", "gateway_event")
