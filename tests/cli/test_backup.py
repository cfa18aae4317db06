"""A backup is one moment of a running portal, and after a restore nothing that was paid is missing.

Both commands run as the operator starts them, on SQLite and on PostgreSQL.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from payments_app.cli.backup import BackupFailed, back_up
from payments_app.cli.build import ROOT
from payments_app.cli.restore import restore
from payments_app.db import balances, kept_totals, ledger
from payments_app.db.engine import Database
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.gateways import registry
from payments_app.gateways.base import ConfirmCard, Redirect
from payments_app.sandbox.app import issued_settings
from payments_app.services import checkout, refunds, sweep
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from tests.support.databases import Databases, Postgres, migrate, new_postgres
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.payers import PAY, VISA, confirm_card, press
from tests.support.sandbox import sandbox_at, webhook_receiver

# Stripe's SDK calls httpx in a way that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@dataclass
class Commands:
    """Runs commands of the project on one database after the other."""

    settings: dict[str, str]

    async def __call__(
        self, url: str, *command: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            **self.settings,
            **more,
        }
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def run(tmp_path: Path, postgres: Postgres) -> Commands:
    path = f"{postgres.programs}:{os.environ['PATH']}"
    return Commands({"PATH": path, "PORTAL_MODE": "sandbox", "DATA_DIR": str(tmp_path)})


@pytest.fixture
def elsewhere(databases: Databases) -> str:
    """An empty database to restore into."""
    return databases.empty()


@pytest.fixture
def new_server(elsewhere: str) -> Iterator[str]:
    """An empty database to restore into, of a server that has never seen the portal."""
    if elsewhere.startswith("sqlite"):
        yield elsewhere
    else:
        with new_postgres() as url:
            yield url


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "backup"
    yield path
    assert not path.with_name("backup.partial").exists()


async def test_backup_of_a_busy_database_is_one_moment(
    database: Database, new_server: str, run: Commands, backup: Path
) -> None:
    account = await make_account(database)
    await make_payment(database, account, completed=True)
    made = asyncio.create_task(run(database.url, "payments_app.cli.backup", str(backup)))
    while not made.done():  # each commit has a row and moves the balance
        await make_payment(database, account, completed=True)
    assert (await made).returncode == 0, made.result().stderr
    again = await run(database.url, "payments_app.cli.backup", str(backup))
    assert again.returncode == 1
    assert "is there already" in again.stderr
    restored = await run(new_server, "payments_app.cli.restore", str(backup), PORT="1")
    assert "payments added" in restored.stdout, restored.stderr
    copy = Database(new_server)
    async with copy.read() as session:
        assert await ledger.wrong_balances(session) == []
    async with copy.read(account=account.key) as session:
        assert await ledger.balance_of(session, account.key, "USD") >= 2500
    await copy.close()
    refused = await run(new_server, "payments_app.cli.restore", str(backup))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr


async def test_what_was_paid_since_the_backup_appears(
    portal: Portal, elsewhere: str, run: Commands, backup: Path, tmp_path: Path
) -> None:
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db, account), account)
    async with (
        webhook_receiver() as receiver,
        sandbox_at(tmp_path / "sandbox.db", receiver) as sandbox,
        httpx.AsyncClient() as http,
        AsyncExitStack() as stack,
    ):
        run.settings["SANDBOX_URL"] = sandbox.origin
        gateways = registry.connect(issued_settings(sandbox.origin))
        portal = replace(portal, gateways=gateways)
        for each in gateways.values():
            stack.push_async_callback(each.aclose)

        async def pay(gateway: str, minor: int) -> str:
            order = TopUp(gateway, Money(minor, "USD"), f"{gateway}-{minor}")
            progress = await checkout.start(portal, who, order)
            action = progress.next_action
            if isinstance(action, ConfirmCard):
                await confirm_card(http, sandbox.origin, action.client_secret, VISA)
            elif isinstance(action, Redirect):
                await press(http, action.url, PAY)
            checked = await checkout.check(portal, who, progress.reference)
            assert checked.status is PaymentStatus.COMPLETED
            return progress.reference

        async def give_back(reference: str, minor: int) -> None:
            amount = Money(minor, "USD")
            await refunds.refund(
                portal, reference, amount, key=f"back-{reference}", actor="staff", user_id=None
            )

        listing = ("paypal", "card", "paystack", "nowpayments")
        before = {gateway: await pay(gateway, 5000) for gateway in listing}
        made = await run(portal.db.url, "payments_app.cli.backup", str(backup))
        assert made.returncode == 0, made.stderr
        for number, gateway in enumerate(listing):
            after = await pay(gateway, 6000 + number)
            if gateway != "nowpayments":  # refunds are made by hand there
                await give_back(before[gateway], 300)
                await give_back(after, 700)
        later = portal.clock() + timedelta(minutes=2)
        await sweep.sweep_once(replace(portal, clock=lambda: later))  # learns how refunds went
        restored = await run(elsewhere, "payments_app.cli.restore", str(backup))
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert "4 payments added, 6 changed" in restored.stdout
        assert "paynamics" in restored.stdout
        again = await run(elsewhere, "payments_app.cli.catch_up")
        assert "0 payments added, 0 changed" in again.stdout
    copy = Database(elsewhere)
    assert await rows(copy) == await rows(portal.db)
    async with copy.read() as session:
        assert await ledger.wrong_balances(session) == []
        assert (
            await ledger.balance_of(session, account.key, "USD")
            == 4 * 5000 + 4 * 6000 + 6 - 3 * 1000
        )
    await copy.close()


async def rows(database: Database) -> list[tuple[object, ...]]:
    """What counts of every payment; a refund gets a new reference."""
    query = select(Payment).order_by(col(Payment.gateway), col(Payment.gateway_reference))
    async with database.read() as session:
        payments = (await session.execute(query)).scalars().all()
    return [
        (
            p.reference if p.kind is PaymentKind.TOP_UP else "",
            *(p.account_id, p.kind, p.status, p.amount, p.currency),
            *(p.charge_amount, p.charge_currency, p.gateway, p.gateway_reference, p.fee),
            p.description,
        )
        for p in payments
    ]


async def test_a_damaged_backup_replaces_nothing(run: Commands, tmp_path: Path) -> None:
    path = tmp_path / "portal.db"
    damaged = tmp_path / "damaged"
    path.write_bytes(b"as it was")
    damaged.write_bytes(b"SQLite format 3\x00" + bytes(4096))
    url = f"sqlite+aiosqlite:///{path}"
    refused = await run(url, "payments_app.cli.restore", str(damaged), "--replace")
    assert refused.returncode == 1
    assert "is damaged" in refused.stderr
    assert path.read_bytes() == b"as it was"


@pytest.fixture
def programs(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs can be found."""
    monkeypatch.setenv("PATH", f"{postgres.programs}:{os.environ['PATH']}")


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.usefixtures("programs")
async def test_half_a_dump_replaces_nothing(postgres_url: str, backup: Path) -> None:
    database = Database(postgres_url)
    account = await make_account(database)
    await make_payment(database, account)
    await asyncio.to_thread(back_up, postgres_url, backup)
    halve(backup)
    with pytest.raises(BackupFailed, match="pg_restore"):
        await asyncio.to_thread(restore, postgres_url, backup, replace=True)
    async with database.read() as session:
        assert [row.rows(None) for row in await balances.standings(session, account.key)] == [1]
    await database.close()


@pytest.mark.usefixtures("programs")
async def test_a_backup_of_an_earlier_version_replaces_what_a_later_one_has_made(
    databases: Databases, backup: Path
) -> None:
    url = databases.empty()
    await asyncio.to_thread(migrate, url, "0018")
    database = Database(url)
    account = await make_account(database)
    await make_payment(database, account, amount=700)
    await asyncio.to_thread(back_up, url, backup)
    await asyncio.to_thread(migrate, url)
    await make_payment(database, account, amount=800)
    await database.close()
    await asyncio.to_thread(restore, url, backup, replace=True)
    await asyncio.to_thread(migrate, url)
    async with database.read() as session:
        [standing] = await balances.standings(session, account.key)
        assert (standing.pending, standing.rows(None)) == (700, 1)
        assert await kept_totals.wrong(session) == []
    await database.close()
