"""The audit log: chained, append-only, and broken visibly."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from payments_app.db import audit as db_audit
from payments_app.db.staff_models import AuditEntry
from payments_app.services import audit
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from tests.support.tampering import tamper

CANARY = "canary7391"
ANNE = Actor("anne@example.com", address="10.0.0.1")


async def write(portal: Portal, *actions: str) -> None:
    for action in actions:
        async with portal.db.write() as session:
            await audit.record(
                session, portal.clock(), ANNE, action, "payment:P1", after={"amount": 5, "x": "é"}
            )


async def test_an_untouched_log_holds(portal: Portal) -> None:
    await write(portal, "one", "two", "three")
    assert await audit.first_broken(portal.db) is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("update audit_entry set actor = 'eve@example.com' where id = 2", 2),
        ("update audit_entry set after = '{\"amount\": 6}' where id = 1", 1),
        ("update audit_entry set at = '2020-01-01' where id = 3", 3),
        ("delete from audit_entry where id = 2", 3),
        ("delete from audit_entry where id = 1", 2),
        ("delete from audit_entry where id = 3", 3),
        ("delete from audit_entry where id > 1", 3),
        ("delete from audit_entry", 3),
        ("update audit_head set hash = (select hash from audit_entry where id = 2)", 3),
        ("update audit_head set entry_id = 2", 2),
    ],
)
async def test_a_changed_or_removed_row_shows(portal: Portal, statement: str, broken: int) -> None:
    await write(portal, "one", "two", "three")
    await tamper(portal, statement)
    assert await audit.first_broken(portal.db) == broken


@pytest.mark.parametrize(
    "statement", ["update audit_entry set actor = 'x'", "delete from audit_entry"]
)
async def test_the_database_refuses_to_change_the_log(portal: Portal, statement: str) -> None:
    await write(portal, "one")
    with pytest.raises(DatabaseError, match="append-only"):
        async with portal.db.write() as session:
            await session.execute(text(statement))


async def test_an_action_that_fails_leaves_no_row(portal: Portal) -> None:
    async def act_and_fail() -> None:
        async with portal.db.write() as session:
            await audit.record(session, portal.clock(), ANNE, "one", "payment:P1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await act_and_fail()
    await write(portal, "two")
    assert await audit.first_broken(portal.db) is None
    async with portal.db.read() as session:
        count = await session.execute(text("select count(*) from audit_entry"))
    assert count.scalar_one() == 1


async def test_a_log_rewritten_with_its_end_is_betrayed_by_a_noted_hash(portal: Portal) -> None:
    """Someone who rewrites the chain and its head alike gets past the check, but not past this."""
    await write(portal, "one", "two", "three")
    async with portal.db.read() as session:
        noted = (await db_audit.head(session)).hash
    assert await audit.contains(portal.db, noted)
    await tamper(portal, "delete from audit_entry where id = 3")
    async with portal.db.write() as session:
        await session.execute(
            text(
                "update audit_head set entry_id = 2,"
                " hash = (select hash from audit_entry where id = 2)"
            )
        )
    assert await audit.first_broken(portal.db) is None
    assert not await audit.contains(portal.db, noted)


async def test_rows_forged_behind_the_end_show_with_the_next_row(portal: Portal) -> None:
    await write(portal, "one")
    forged = AuditEntry(at=portal.clock(), actor="eve", action="two", subject="x", hash=b"forged")
    async with portal.db.write() as session:
        session.add(forged)
    await write(portal, "three")
    assert await audit.first_broken(portal.db) == forged.id


async def test_a_check_is_written_down_and_logs_the_newest_hash(
    portal: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(portal, "one", "two")
    await audit.check(portal)
    async with portal.db.read() as session:
        head = await db_audit.head(session)
    assert (head.entry_id, head.checked_at, head.broken_id) == (2, portal.clock(), None)
    assert head.hash.hex() in capsys.readouterr().out
    await tamper(portal, "delete from audit_entry where id = 1")
    await audit.check(portal)
    async with portal.db.read() as session:
        assert (await db_audit.head(session)).broken_id == 2


async def test_a_value_named_like_a_secret_is_not_kept(portal: Portal) -> None:
    values = {
        "client_secret": CANARY,
        "x": [{"Password": CANARY, "note": "card 4242 4242 4242 4242"}],
    }
    async with portal.db.write() as session:
        await audit.record(
            session, portal.clock(), ANNE, "one", "payment:P1", before=values, after=values
        )
    async with portal.db.read() as session:
        (entry,) = (await session.execute(select(AuditEntry))).scalars()
    kept = f"{entry.before}{entry.after}"
    assert CANARY not in kept
    assert "card [redacted]4242" in kept
    assert await audit.first_broken(portal.db) is None
