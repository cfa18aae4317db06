"""How input is taken apart: SQL with parameters only, no XML at all."""

import ast
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from payments_app.gateways import registry
from payments_app.payments_app import api
from payments_app.sandbox.app import issued_settings
from payments_app.services import context
from payments_app.services.context import Portal

PACKAGE = Path(__file__).parent.parent / "payments_app"
TAKES_SQL = {"text", "sql", "literal_column", "exec_driver_sql", "executescript", "DDL"}
WRITTEN = {
    "cli/restore.py: _EMPTY",
    "db/csv_cells.py: f'1e-{decimals}::numeric({decimals + 1}, {decimals})'",
    "db/engine.py: f'PRAGMA busy_timeout={int(tenths * longest * 100)}'",
    "db/erasure.py: statement",
    "db/keyset.py: f':{name}'",
    "db/own_rows.py: _IN_FORCE",
    "db/own_rows.py: _MAKE_ROLE",
}
"""SQL that is no plain text in the source, each looked at: their values are the portal's own."""
READS_XML = {"xml", "lxml", "xmltodict", "bs4", "html5lib", "pulldom", "expat"}
LAUGHS = """<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">]>
<l>&e;</l>"""
FILE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<x>&f;</x>"""


def sources(*rooms: str) -> Iterator[tuple[str, ast.AST]]:
    for room in rooms:
        for script in sorted((PACKAGE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(script.read_text())):
                yield script.relative_to(PACKAGE).as_posix(), node


def called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        module = node.func.value
        return "" if isinstance(module, ast.Name) and module.id == "cells" else node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def test_sql_is_written_by_sqlalchemy_and_never_from_values() -> None:
    """Every piece of SQL text in the sources is a constant, but for those few that are named."""
    found = {
        f"{place}: {ast.unparse(node.args[0])}"
        for place, node in sources("db", "services", "api", "cli", "state")
        if isinstance(node, ast.Call)
        and called(node) in TAKES_SQL
        and node.args
        and not isinstance(node.args[0], ast.Constant)
    }
    assert found == WRITTEN


def test_no_statement_is_put_together_from_text() -> None:
    """Nor does a driver get SQL past SQLAlchemy: what is executed is never a text with values."""
    found = {
        f"{place}: {ast.unparse(node)}"
        for place, node in sources("db", "services", "api", "cli", "state")
        if isinstance(node, ast.Call)
        and called(node) in ("execute", "executemany", "scalar", "scalars", "stream")
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    }
    assert found == set()


def test_nothing_reads_xml() -> None:
    """No gateway here speaks it. Where one has to, defusedxml takes the place of these."""
    imported = {
        f"{place}: {name}"
        for place, node in sources(".")
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if set(name.split(".")) & READS_XML
    }
    assert imported == set()


@pytest.fixture
async def client(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    gateways = registry.connect(issued_settings("http://127.0.0.1:9/sandbox"))
    context.install(replace(portal, gateways=gateways))
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client
    for gateway in gateways.values():
        await gateway.aclose()


@pytest.mark.parametrize("body", [LAUGHS, FILE], ids=["billion laughs", "external entity"])
async def test_xml_with_entities_is_refused_unread(client: httpx.AsyncClient, body: str) -> None:
    refusals = {"application/xml": 415, "text/xml": 415, "application/json": 400}
    for code in (kind.code for kind in registry.GATEWAYS):
        for kind, refusal in refusals.items():
            answer = await client.post(
                f"/webhooks/{code}", content=body.encode(), headers={"Content-Type": kind}
            )
            assert answer.status_code == refusal, (code, kind)
            assert len(answer.content) < 100
