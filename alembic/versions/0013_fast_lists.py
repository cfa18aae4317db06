"""Indexes for every filter and order of a list, and for search.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_payment_account_status_dated": ["account_id", "status", "dated_at", "id", "gateway"],
    "ix_payment_account_gateway_dated": ["account_id", "gateway", "dated_at", "id", "status"],
    "ix_payment_account_total": [
        *("account_id", "currency", "amount", "id", "status", "gateway", "dated_at"),
    ],
    "ix_payment_account_status_total": [
        *("account_id", "status", "currency", "amount", "id", "gateway"),
    ],
    "ix_payment_account_gateway_total": [
        *("account_id", "gateway", "currency", "amount", "id", "status"),
    ],
}
SEARCHED = ("description", "reference", "method_detail")


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "payment", columns)
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def _upgrade_sqlite() -> None:
    names = ", ".join(SEARCHED)
    old = ", ".join(f"old.{name}" for name in SEARCHED)
    new = ", ".join(f"new.{name}" for name in SEARCHED)
    changed = " or ".join(f"old.{name} is not new.{name}" for name in SEARCHED)
    add = f"insert into payment_search (rowid, {names}) values (new.id, {new});"
    remove = (
        f"insert into payment_search (payment_search, rowid, {names})"
        f" values ('delete', old.id, {old});"
    )
    op.execute(
        f"create virtual table payment_search using fts5({names}, content='payment',"
        " content_rowid='id', tokenize='trigram')"
    )
    op.execute("insert into payment_search (payment_search) values ('rebuild')")
    op.execute(f"create trigger payment_search_insert after insert on payment begin {add} end")
    op.execute(f"create trigger payment_search_delete after delete on payment begin {remove} end")
    op.execute(
        f"create trigger payment_search_update after update of {names} on payment"
        f" when {changed} begin {remove} {add} end"
    )


def _upgrade_postgresql() -> None:
    # An index is built without the schema's own functions in reach: the second has no first in it.
    grams = (
        " language sql immutable parallel safe as $$"
        " select coalesce(array_agg(distinct substr(whole, n, 3)), '{}')"
        " from lower(%s) as whole, generate_series(1, length(whole) - 2) as n $$"
    )
    joined = "concat($1, chr(10), $2, chr(10), $3)"
    op.execute("create function grams(text) returns text[]" + grams % "$1")
    op.execute("create function payment_grams(text, text, text) returns text[]" + grams % joined)
    op.execute(
        "create index ix_payment_search on payment"
        f" using gin (payment_grams({', '.join(SEARCHED)}))"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("insert", "delete", "update"):
            op.execute(f"drop trigger payment_search_{action}")
        op.execute("drop table payment_search")
    else:
        op.drop_index("ix_payment_search", "payment")
        op.execute("drop function payment_grams")
        op.execute("drop function grams")
    for name in INDEXES:
        op.drop_index(name, "payment")
