"""Let personal data be erased from accounts, and from the audit log without breaking its chain.

The log is chained anew, once: the hash of a row now covers the personal part by a salted digest of
its own. A row that did not hold before keeps its hash and so does not hold afterwards either.

Revision ID: 0015
Revises: 0014
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENTRY = sa.table(
    "audit_entry",
    sa.column("id", KEY),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("user_id", KEY),
    sa.column("actor", sa.String),
    sa.column("address", sa.String),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("before", sa.JSON),
    sa.column("after", sa.JSON),
    sa.column("hash", sa.LargeBinary),
    sa.column("salt", sa.LargeBinary),
    sa.column("personal_hash", sa.LargeBinary),
)
HEAD = sa.table("audit_head", sa.column("entry_id", KEY), sa.column("hash", sa.LargeBinary))
OLD_COLUMNS = [column for column in ENTRY.c if column.name not in ("salt", "personal_hash")]
ROWS_AT_ONCE = 1000

Row = dict[str, Any]
Hashing = Callable[[bytes, Row], bytes]


def upgrade() -> None:
    op.add_column("account", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    empty = sa.text("''")
    op.add_column("audit_entry", sa.Column("salt", sa.LargeBinary(), nullable=True))
    op.add_column(
        "audit_entry",
        sa.Column("personal_hash", sa.LargeBinary(), nullable=False, server_default=empty),
    )
    op.add_column("audit_entry", sa.Column("erased_by", KEY, nullable=True))
    _drop_triggers()
    _chain_anew(OLD_COLUMNS, _old_hash, _new_hash, _salted)
    _append_only_but_erasable()


def downgrade() -> None:
    _drop_triggers()
    _chain_anew(list(ENTRY.c), _new_hash, _old_hash, lambda row: row)
    _append_only()
    for column in ("erased_by", "personal_hash", "salt"):
        op.drop_column("audit_entry", column)
    op.drop_column("account", "erased_at")


def _salted(row: Row) -> Row:
    salt = secrets.token_bytes(16)
    part = [row["actor"], row["address"], row["before"], row["after"]]
    return {**row, "salt": salt, "personal_hash": _digest(salt, part)}


def _old_hash(previous: bytes, row: Row) -> bytes:
    names = ("user_id", "actor", "address", "action", "subject", "before", "after")
    return _digest(previous, [_moment(row), *(row[name] for name in names)])


def _new_hash(previous: bytes, row: Row) -> bytes:
    names = ("user_id", "action", "subject")
    content = [_moment(row), *(row[name] for name in names), row["personal_hash"].hex()]
    return _digest(previous, content)


def _moment(row: Row) -> str:
    at: datetime = row["at"]
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).isoformat()


def _digest(before: bytes, content: list[Any]) -> bytes:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(before + text.encode()).digest()


def _chain_anew(
    columns: list[Any], hash_before: Hashing, hash_after: Hashing, prepared: Callable[[Row], Row]
) -> None:
    """Give every row that holds by the one rule the hash of the other."""
    connection = op.get_bind()
    last, before, after = 0, b"", b""
    while True:
        page = sa.select(*columns).where(ENTRY.c.id > last).order_by(ENTRY.c.id)
        rows = [dict(row) for row in connection.execute(page.limit(ROWS_AT_ONCE)).mappings()]
        for row in rows:
            holds = hash_before(before, row) == row["hash"]
            before, last = row["hash"], row["id"]
            row = prepared(row)
            after = hash_after(after, row) if holds else row["hash"]
            connection.execute(
                sa.update(ENTRY)
                .where(ENTRY.c.id == last)
                .values(hash=after, salt=row.get("salt"), personal_hash=row["personal_hash"])
            )
        if len(rows) < ROWS_AT_ONCE:
            break
    whole = sa.and_(HEAD.c.entry_id == last, HEAD.c.hash == before)
    connection.execute(sa.update(HEAD).where(whole).values(hash=after))


def _drop_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(f"drop trigger audit_entry_no_{action}")
    else:
        op.execute("drop trigger audit_entry_append_only on audit_entry")
        op.execute("drop trigger if exists audit_entry_only_erased on audit_entry")


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            _refuse_on_sqlite(action, "")
        return
    _refuse_on_postgresql("audit_entry_append_only", "update or delete", "")


def _append_only_but_erasable() -> None:
    """Refuse every change but one: the personal part blanked, with who erased it, once."""
    kept = ("id", "at", "user_id", "action", "subject", "hash", "personal_hash")
    empty = "new.actor = '' and new.address = '' and new.salt is null and new.erased_by is not null"
    if op.get_bind().dialect.name == "sqlite":
        same = " and ".join(f"new.{name} is old.{name}" for name in kept)
        blank = "new.before = '{}' and new.after = '{}'"
        erased = f"when not (old.erased_by is null and {same} and {blank} and {empty})"
        _refuse_on_sqlite("update", erased)
        _refuse_on_sqlite("delete", "")
        return
    same = " and ".join(f"new.{name} is not distinct from old.{name}" for name in kept)
    blank = "new.before::text = '{}' and new.after::text = '{}'"
    erased = f"when (not (old.erased_by is null and {same} and {blank} and {empty}))"
    _refuse_on_postgresql("audit_entry_append_only", "delete", "")
    _refuse_on_postgresql("audit_entry_only_erased", "update", erased)


def _refuse_on_sqlite(action: str, condition: str) -> None:
    op.execute(
        f"create trigger audit_entry_no_{action} before {action} on audit_entry {condition} "
        "begin select raise(abort, 'the audit log is append-only'); end"
    )


def _refuse_on_postgresql(name: str, actions: str, condition: str) -> None:
    op.execute(
        f"create trigger {name} before {actions} on audit_entry "
        f"for each row {condition} execute function audit_append_only()"
    )
