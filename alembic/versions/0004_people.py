"""Limits of accounts, notes, second factors, links by e-mail, brakes, the audit log's head.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("account", sa.Column("currencies", sa.JSON(), nullable=True))
    op.add_column("account", sa.Column("methods", sa.JSON(), nullable=True))
    op.add_column("app_user", sa.Column("totp_secret", sa.String(length=300), nullable=True))
    op.add_column("app_user", sa.Column("totp_since", TIME, nullable=True))
    op.add_column("app_user", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("login_session") as table:
        table.add_column(sa.Column("view_as_account_id", KEY, nullable=True))
        table.create_foreign_key(
            "fk_login_session_view_as_account_id", "account", ["view_as_account_id"], ["id"]
        )
    _audit_head()
    _account_note()
    _access()


def _audit_head() -> None:
    head = op.create_table(
        "audit_head",
        sa.Column("id", KEY, nullable=False),
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("checked_at", TIME, nullable=True),
        sa.Column("broken_id", KEY, nullable=True),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    newest = sa.text("select id, hash from audit_entry order by id desc limit 1")
    entry_id, digest = op.get_bind().execute(newest).one_or_none() or (0, b"")
    op.bulk_insert(head, [{"id": 1, "entry_id": entry_id, "hash": digest}])


def _account_note() -> None:
    op.create_table(
        "account_note",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_account_note_account_id"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_account_note_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_account_note"),
    )
    op.create_index("ix_account_note_account_id", "account_note", ["account_id"])


def _access() -> None:
    op.create_table(
        "failures",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_failures"),
    )
    op.create_index("ix_failures_last_at", "failures", ["last_at"])
    purpose = sa.Enum(
        "reset",
        "invitation",
        name="purpose",
        native_enum=False,
        create_constraint=True,
        length=20,
    )
    op.create_table(
        "email_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("purpose", purpose, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_email_link_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_email_link"),
        sa.UniqueConstraint("token_hash", name="uq_email_link_token_hash"),
    )
    op.create_index("ix_email_link_user_id", "email_link", ["user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_recovery_code_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])


def downgrade() -> None:
    for table in ("recovery_code", "email_link", "failures", "account_note", "audit_head"):
        op.drop_table(table)
    with op.batch_alter_table("login_session") as table:
        table.drop_constraint("fk_login_session_view_as_account_id", type_="foreignkey")
        table.drop_column("view_as_account_id")
    for name in ("totp_step", "totp_since", "totp_secret"):
        op.drop_column("app_user", name)
    for name in ("methods", "currencies"):
        op.drop_column("account", name)
