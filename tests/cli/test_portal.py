"""The command line, as an operator or a script uses it, on both databases."""

import asyncio
import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from typer.testing import CliRunner

from payments_app.cli.portal import app
from payments_app.db.engine import Database
from payments_app.services import logs
from payments_app.settings import Settings
from tests.support.databases import Databases, Postgres
from tests.support.sandbox import sandbox_at, webhook_receiver


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, database_url: str, postgres: Postgres) -> Iterator[Any]:
    """Run a command with the test's database; answers JSON with ``--json``, text without."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PATH", f"{postgres.programs}:{os.environ['PATH']}")
    logs.configure(Settings(_env_file=None))

    def run(*arguments: str, code: int = 0, typed: str = "") -> Any:
        result = CliRunner().invoke(app, arguments, input=typed)
        assert result.exit_code == code, result.output
        assert "--json" not in arguments or "0:00:" not in result.stderr, "a bar"
        return json.loads(result.stdout) if "--json" in arguments else result.output

    yield run
    structlog.reset_defaults()


def test_an_empty_database_becomes_a_portal_with_staff_and_a_customer(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.setenv("DATABASE_URL", databases.empty())
    assert "revision" in run("migrate", "--json")
    owner = run("create-staff", "ann@example.com", "--name", "Ann", "--json")
    assert "/invite" in owner["link"]
    made = run("create-account", "Acme", "--currency", "USD", "--email", "bo@example.com", "--json")
    assert made["account"] == 1
    assert "/invite" in made["link"]
    assert "is made" in run("create-account", "Second", "--currency", "GBP")
    assert run("check", "--json") == {"wrong": []}


def test_refusals_are_one_sentence(run: Any) -> None:
    assert "Refused: email" in run("create-staff", "nobody", "--name", "N", code=1)
    run("create-staff", "ann@example.com", "--name", "Ann")
    assert "taken" in run("create-staff", "ann@example.com", "--name", "Ann", code=1)
    assert "Refused: account 99" in run("export", "99", "nowhere.csv", code=1)
    assert run("replay-events", "--json") == {"webhooks": 0}
    assert "Refused: webhook 5" in run("replay-events", "5", code=1)


def test_demo_check_and_export(run: Any, tmp_path: Path) -> None:
    assert run("demo", "--json") == {"written": True}
    assert run("demo", "--json") == {"written": False}
    file = tmp_path / "payments.csv"
    told = run("export", "1", str(file), "--json")
    with file.open(encoding="utf-8-sig", newline="") as rows:
        assert len(list(csv.DictReader(rows))) == told["payments"] > 200
    assert "agree" in run("check")


async def test_check_fails_when_the_books_are_wrong(run: Any, database: Database) -> None:
    async with database.write() as session:
        await session.execute(
            text(
                "insert into account (id, name, home_currency, minimum_payment, debit_limit,"
                " created_at) values (1, 'A', 'USD', 0, 0, '2026-01-01')"
            )
        )
        await session.execute(text("insert into balance values (1, 'USD', 5)"))
    told = await asyncio.to_thread(lambda: run("check", "--json", code=1))
    assert told["wrong"] == ["account 1: balance 0.05 USD, rows sum to 0.00 USD"]


def test_a_secret_is_replaced_with_an_overlap(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setenv("SECRET_KEYS", "old")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_old")
    new, old = run("rotate-secret", "SECRET_KEYS", "--json")["value"].split(",")
    assert old == "old"
    assert len(new) > 40
    told = run("rotate-secret", "STRIPE_WEBHOOK_SECRET", "--json", typed="whsec_new\n")
    assert told["value"] == "whsec_new,whsec_old"
    assert "one secret at a time" in run("rotate-secret", "PAYSTACK_SECRET_KEY", code=1)
    assert "empty" in run("rotate-secret", "STRIPE_WEBHOOK_SECRET", code=1, typed="\n")


def test_a_backup_brings_back_what_was_there(run: Any, tmp_path: Path) -> None:
    run("create-account", "Acme", "--currency", "USD")
    file = tmp_path / "backup"
    run("backup", str(file))
    run("create-account", "Later", "--currency", "USD")
    # No gateway answers here, so what was paid since stays unknown and the command says so.
    assert run("restore", str(file), "--replace", "--json", code=1)["complete"] is False
    assert run("create-account", "Third", "--currency", "USD", "--json")["account"] == 2


def test_long_work_shows_how_far_it_is(run: Any, tmp_path: Path) -> None:
    """The bar ends with the time that it took."""
    for label, command in {
        "Demo data": ["demo"],
        "Payments": ["export", "1", str(tmp_path / "payments.csv")],
        "Backup": ["backup", str(tmp_path / "backup")],
        "Webhooks": ["replay-events"],
        "Gateways": ["reconcile", "2026-07-01", "--gateway", "bank_transfer"],
    }.items():
        assert re.search(rf"{label} .*\d:\d\d:\d\d", run(*command)), label


async def test_reconcile_compares_a_day_and_fails_with_a_gateway_that_is_silent(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with webhook_receiver() as receiver, sandbox_at(tmp_path / "s.db", receiver) as sandbox:
        monkeypatch.setenv("SANDBOX_URL", sandbox.origin)
        told = await asyncio.to_thread(lambda: run("reconcile", "2026-07-01", "--json"))
        assert told["day"] == "2026-07-01"
        assert {"card", "paypal", "paystack"} <= {one["gateway"] for one in told["gateways"]}
        assert all(one["differences"] == 0 and not one["failed"] for one in told["gateways"])
    silent = await asyncio.to_thread(
        lambda: run("reconcile", "2026-07-01", "--gateway", "card", "--json", code=1)
    )
    assert silent["gateways"][0]["failed"]
    refused = await asyncio.to_thread(
        lambda: run("reconcile", "2026-07-01", "--gateway", "none", code=1)
    )
    assert "Refused: gateway none" in refused


def test_personal_data_is_written_into_a_file_and_erased(run: Any, tmp_path: Path) -> None:
    run("create-account", "Acme", "--currency", "USD", "--email", "bo@example.com")
    file = tmp_path / "acme.json"
    run("personal-data", "1", str(file), "--json")
    (user,) = json.loads(file.read_text())["data"]["app_user"]["rows"]
    assert user["email"] == "bo@example.com"
    assert file.stat().st_mode & 0o077 == 0
    run("erase", "1", typed="n\n", code=1)
    assert run("erase", "1", "--yes", "--json") == {"account": 1}
    run("personal-data", "1", str(file))
    assert "bo@example.com" not in file.read_text()
    assert run("check", "--json") == {"wrong": []}
    assert "account 9" in str(run("erase", "9", "--yes", code=1))
