"""Find e-mails by receiver, and those that were not sent.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UNSENT = sa.text("sent_at is null")


def upgrade() -> None:
    op.create_index("ix_mail_unsent", "mail", ["id"], sqlite_where=UNSENT, postgresql_where=UNSENT)
    op.create_index("ix_mail_recipient", "mail", ["recipient", "id"])


def downgrade() -> None:
    op.drop_index("ix_mail_recipient", "mail")
    op.drop_index("ix_mail_unsent", "mail")
