"""Find webhooks by their gateway's reference, and page through them by time.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gateway_event", sa.Column("gateway_reference", sa.String(128), nullable=True))
    op.execute(
        "update gateway_event set gateway_reference = event ->> 'gateway_reference' where verified"
    )
    op.create_index("ix_gateway_event_gateway_reference", "gateway_event", ["gateway_reference"])
    op.create_index("ix_gateway_event_received", "gateway_event", ["received_at", "id"])
    op.create_index(
        "ix_gateway_event_gateway_received", "gateway_event", ["gateway", "received_at", "id"]
    )


def downgrade() -> None:
    for name in ("gateway_received", "received", "gateway_reference"):
        op.drop_index(f"ix_gateway_event_{name}", "gateway_event")
    op.drop_column("gateway_event", "gateway_reference")
