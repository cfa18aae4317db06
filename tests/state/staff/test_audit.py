"""The audit page and its export."""

import csv
import io

import httpx
import pytest
from fastapi import FastAPI

from payments_app.api import staff_exports
from payments_app.db import audit as db_audit
from payments_app.domain.payment import Role
from payments_app.services import audit, context
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.state.staff.audit import AuditState
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline
from tests.support.tampering import tamper


@pytest.fixture
async def viewer(portal: Portal) -> str:
    for number in range(3):
        async with portal.db.write() as session:
            await audit.record(
                session,
                portal.clock(),
                Actor("=anne@example.com", address="192.0.2.1"),
                "user_role_changed",
                f"user:{number}",
                before={"role": "viewer", "kept": 1},
                after={"role": "finance", "kept": 1},
            )
    return await log_in_as(portal, await make_user(portal.db, role=Role.VIEWER))


async def test_rows_say_who_did_what_and_what_changed(pipeline: Pipeline, viewer: str) -> None:
    await pipeline.send(AuditState.load(), session=viewer)
    state = await pipeline.state(AuditState)
    assert [line.subject for line in state.lines] == ["user:2", "user:1", "user:0"]
    line = state.lines[0]
    assert (line.action, line.address) == ("User role changed", "192.0.2.1")
    assert line.change == "role: viewer \N{RIGHTWARDS ARROW} finance"
    await pipeline.send(AuditState.open(line.id), session=viewer)
    assert (await pipeline.state(AuditState)).shown == line


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (AuditState.search_actor("ANNE"), 3),
        (AuditState.search_actor("eve"), 0),
        (AuditState.search_action("role changed"), 3),
        (AuditState.search_subject("user:1"), 1),
        (AuditState.search_subject("\x00"), 3),
    ],
)
async def test_rows_are_searched(
    pipeline: Pipeline, viewer: str, event: object, found: int
) -> None:
    await pipeline.send(AuditState.load(), session=viewer)
    await pipeline.send(event, session=viewer)  # type: ignore[arg-type]
    assert len((await pipeline.state(AuditState)).lines) == found


async def test_the_address_names_a_subject(pipeline: Pipeline, viewer: str) -> None:
    await pipeline.send(AuditState.load(), session=viewer, path="/staff/audit?subject=user:2")
    state = await pipeline.state(AuditState)
    assert (state.subject, len(state.lines)) == ("user:2", 1)


async def test_opening_the_page_checks_the_chain(
    portal: Portal, pipeline: Pipeline, viewer: str, clock: Clock
) -> None:
    await pipeline.send(AuditState.load(), session=viewer)
    chain = (await pipeline.state(AuditState)).chain
    assert (chain.age, chain.broken) == (0, 0)
    await tamper(portal, "delete from audit_entry where id = 2")
    clock.forward(seconds=61)
    await pipeline.send(AuditState.load(), session=viewer)
    assert (await pipeline.state(AuditState)).chain.broken == 3


async def test_the_export_ends_with_the_newest_hash(portal: Portal, viewer: str) -> None:
    context.install(portal)
    app = FastAPI()
    app.include_router(staff_exports.router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        cookie = {"cookie": f"portal_session={viewer}"}
        answer = await client.get("/staff/exports/audit.csv", headers=cookie)
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) == 4
    assert rows[1][2] == "'=anne@example.com", "no formula in a spreadsheet"
    async with portal.db.read() as session:
        head = await db_audit.head(session)
    assert rows[-1][-1] == head.hash.hex()
