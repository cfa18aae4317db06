"""The audit log of an earlier version is chained anew, and what was broken stays broken."""

import hashlib
import json
from functools import partial

import pytest
from alembic import command
from sqlalchemy import Connection, text

from payments_app.db.engine import Database
from payments_app.services import audit
from tests.db.test_migrations_keep_rows import at, step
from tests.support.databases import Databases, migrate

WHEN = "2026-07-01 09:00:00+00:00"
ENTRY = (
    "insert into audit_entry (id, at, actor, address, action, subject, before, after, hash)"
    " values (:id, '{at}', 'anne@example.com', '', 'noted', 'account:1', '{{}}', :after, :hash)"
)


def write_old_log(connection: Connection, tampered: bool) -> None:
    """Write three rows as revision 0014 chained them; the second may have been changed since."""
    previous = b""
    for number in (1, 2, 3):
        after = {"amount": number, "x": "é"}
        moment = WHEN.replace(" ", "T")
        content = [moment, None, "anne@example.com", "", "noted", "account:1", {}, after]
        written = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        previous = hashlib.sha256(previous + written.encode()).digest()
        stored = {"amount": 9} if tampered and number == 2 else after
        values = {"id": number, "after": json.dumps(stored), "hash": previous}
        connection.execute(text(ENTRY.format(at=WHEN)), values)
    connection.execute(text("update audit_head set entry_id = 3, hash = :hash"), {"hash": previous})


def hashes(connection: Connection) -> list[bytes]:
    """Read the hash of every row and of the head."""
    rows = connection.execute(text("select hash from audit_entry order by id")).scalars().all()
    return [*rows, connection.execute(text("select hash from audit_head")).scalar_one()]


@pytest.mark.parametrize("tampered", [False, True])
async def test_an_old_log_goes_up_and_down_with_what_it_proves(
    databases: Databases, tampered: bool
) -> None:
    url = databases.empty()
    migrate(url, "0014")
    await at(url, partial(write_old_log, tampered=tampered))
    before = await at(url, hashes)
    step(command.upgrade, url, "0015")
    database = Database(url)
    assert await audit.first_broken(database) == (2 if tampered else None)
    await database.close()
    step(command.downgrade, url, "0014")
    assert await at(url, hashes) == before
