"""The audit log: chained, append-only, and broken visibly."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from payments_app.services import audit
from payments_app.services.audit import Actor
from payments_app.services.context import Portal

ANNE = Actor("anne@example.com", address="10.0.0.1")


async def write(portal: Portal, *actions: str) -> None:
    for action in actions:
        async with portal.db.write() as session:
            await audit.record(
                session, portal.clock(), ANNE, action, "payment:P1", after={"amount": 5, "x": "é"}
            )


async def tamper(portal: Portal, statement: str) -> None:
    """Change the log as someone who owns the database could."""
    unlock = ["alter table audit_entry disable trigger user"]
    if portal.db.is_sqlite:
        unlock = [f"drop trigger audit_entry_no_{action}" for action in ("update", "delete")]
    async with portal.db.write() as session:
        for step in (*unlock, statement):
            await session.execute(text(step))


async def test_an_untouched_log_holds(portal: Portal) -> None:
    await write(portal, "one", "two", "three")
    assert await audit.first_broken(portal) is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("update audit_entry set actor = 'eve@example.com' where id = 2", 2),
        ("update audit_entry set after = '{\"amount\": 6}' where id = 1", 1),
        ("update audit_entry set at = '2020-01-01' where id = 3", 3),
        ("delete from audit_entry where id = 2", 3),
        ("delete from audit_entry where id = 1", 2),
    ],
)
async def test_a_changed_or_removed_row_shows(portal: Portal, statement: str, broken: int) -> None:
    await write(portal, "one", "two", "three")
    await tamper(portal, statement)
    assert await audit.first_broken(portal) == broken


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
    assert await audit.first_broken(portal) is None
    async with portal.db.read() as session:
        count = await session.execute(text("select count(*) from audit_entry"))
    assert count.scalar_one() == 1
