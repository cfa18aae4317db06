"""The password of the database shows nowhere, not even when the database falls silent."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from payments_app.cli.portal import app
from tests.support.databases import Postgres
from tests.support.freezer import Freezer
from tests.support.portal import PortalServer

CANARY = "Xcanary0database"
PATHS = (
    "/health/ready",
    "/health/live",
    "/metrics",
    "/login/",
    "/nothing",
    "/exports/payments.csv",
)


@pytest.fixture
async def freezer(postgres_url: str) -> AsyncIterator[Freezer]:
    """The way to a database whose address holds the canary as its password."""
    marked = make_url(postgres_url).set(password=CANARY)
    async with Freezer(marked.render_as_string(hide_password=False)).running() as freezer:
        yield freezer


async def answers(portal: PortalServer) -> list[httpx.Response]:
    """Ask what anybody may ask, a login among it."""
    login = {"email": "a@example.com", "password": "a long enough password"}
    async with httpx.AsyncClient(base_url=portal.url, timeout=30) as http:
        asked = [http.get(path) for path in PATHS]
        for accepted in ("text/html", "application/json"):
            headers = {"Origin": portal.url, "Accept": accepted}
            asked.append(http.post("/auth/login", json=login, headers=headers))
        return await asyncio.gather(*asked)


async def test_neither_answers_nor_the_log_show_it(freezer: Freezer, tmp_path: Path) -> None:
    patience = {"DATABASE_WAIT_SECONDS": "1", "DATABASE_STATEMENT_SECONDS": "1"}
    portal = PortalServer(tmp_path, DATABASE_URL=freezer.url, LOG_LEVEL="DEBUG", **patience)
    await portal.start()
    try:
        well = await answers(portal)
        freezer.freeze()
        silent = await answers(portal)
    finally:
        freezer.thaw()
        await portal.stop()
    assert (well[0].status_code, silent[0].status_code, silent[-1].status_code) == (200, 503, 503)
    log = portal.log_path.read_text()
    assert log.count("database_busy") >= 2, "no login met the silent database"
    assert CANARY not in "".join(f"{answer.headers}{answer.text}" for answer in [*well, *silent])
    assert CANARY not in log


def test_neither_the_books_check_nor_a_backup_shows_it(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    marked = make_url(postgres_url).set(password=CANARY)
    away = marked.set(host="127.0.0.1", port=1, query={})
    monkeypatch.setenv("PATH", f"{postgres.programs}:{os.environ['PATH']}")
    said = []
    for url, failing in ((marked, False), (away, True)):
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
        for command in (["check", "--json"], ["backup", str(tmp_path / "copy"), "--json"]):
            done = CliRunner().invoke(app, command)
            assert bool(done.exit_code) is failing, done.output
            said.append(f"{done.output}{done.stderr}{done.exception}")
    listed = subprocess.run(
        [postgres.programs / "pg_restore", "--list", tmp_path / "copy"],
        capture_output=True,
        text=True,
        check=True,
    )
    said += [listed.stdout, (tmp_path / "copy").read_text(errors="replace")]
    assert "payment" in listed.stdout
    assert CANARY not in "".join(said)
