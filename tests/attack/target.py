"""The portal under attack: really running, with rows whose texts must never reach a stranger."""

import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from payments_app.db.engine import Database
from payments_app.db.mail_models import Mail
from payments_app.db.models import InboxEvent, User
from payments_app.db.staff_models import AccountNote
from payments_app.domain.payment import Role
from payments_app.services import sessions
from payments_app.services.accounts import identify
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.settings import Settings
from tests.support.factories import WHEN, make_account, make_payment, make_user
from tests.support.logins import hash_password, log_in_as
from tests.support.portal import PortalServer
from tests.support.roles import Kind

CANARY = "canary7391"
"""Stands in every text of the account that nobody but its own customer and staff may see."""
PASSWORD = "a long enough password"
_OF_THE_WORKERS = frozenset(
    {
        "alembic_version",
        "audit_entry",
        "audit_head",
        "failures",
        "gateway_minute",
        "lease",
        "alert",
        "reconciliation",
        "reconciliation_difference",
    }
)
"""Tables that refusals and the portal's own background work are written down in."""
_OF_TIME = frozenset({"last_seen_at", "data", "attempts", "next_attempt_at", "sent_at", "outcome"})
"""Columns that change by themselves: a login's use, an e-mail's way."""


@dataclass
class Target:
    """The portal, and who may log in: ``tokens`` by kind, and that of ``victim``, another account.

    ``own`` and ``foreign`` name what belongs to the customer and to the victim.
    """

    portal: PortalServer
    database: Database
    tokens: dict[Kind, str]
    victim: str
    victim_user: User
    own: dict[str, Any]
    foreign: dict[str, Any]
    identities: dict[Kind, Identity | None]
    _read: int = field(default=0)

    def digest(self, *, own: bool = True) -> dict[str, str]:
        """One hash for each table of all that an attack could have changed.

        ``own=False`` leaves out what belongs to the customer.
        """
        with closing(sqlite3.connect(self.portal.database_path)) as connection:
            connection.row_factory = sqlite3.Row
            names = connection.execute(
                "select name from sqlite_master where type='table' and name not like 'sqlite_%'"
            )
            tables = {name for (name,) in names} - _OF_THE_WORKERS
            return {table: self._hash(connection, table, own) for table in sorted(tables)}

    def _hash(self, connection: sqlite3.Connection, table: str, own: bool) -> str:
        rows = [dict(row) for row in connection.execute(f'select * from "{table}"')]
        kept = [
            {name: value for name, value in row.items() if name not in _OF_TIME}
            for row in rows
            if own or not self._is_own(row)
        ]
        return hashlib.sha256(repr(sorted(map(repr, kept))).encode()).hexdigest()

    def _is_own(self, row: dict[str, Any]) -> bool:
        return any(row.get(name) == self.own[name] for name in ("account_id", "user_id"))

    def browser(self, kind: Kind) -> httpx.AsyncClient:
        """Return a client with the login of a kind."""
        cookies = {"portal_session": self.tokens[kind]} if self.tokens[kind] else {}
        return httpx.AsyncClient(base_url=self.portal.url, cookies=cookies, timeout=30)

    def count(self, query: str, *values: object) -> int:
        """Return the one number that a query asks for."""
        with closing(sqlite3.connect(self.portal.database_path)) as connection:
            (number,) = connection.execute(query, values).fetchone()
        return int(number)

    def news(self) -> str:
        """Return what was logged since the last look."""
        log = self.portal.log_path.read_text()
        self._read, start = len(log), self._read
        return log[start:]


def faults(log: str) -> list[str]:
    """Return what of a log says that something fell over."""
    return re.findall(r".*(?:Traceback|event_failed|Error in |never awaited|panicked).*", log)


@asynccontextmanager
async def target(folder: Path, **settings: str) -> AsyncIterator[Target]:
    """Run a portal with two customers' accounts and staff of each role."""
    server = PortalServer(
        folder, **({"SWEEP_INTERVAL_SECONDS": "3600", "LOG_LEVEL": "DEBUG"} | settings)
    )
    await server.migrate()
    database = Database(server.database_url)
    made = await _fill(server, database)
    await server.start()
    try:
        yield made
    finally:
        await server.stop()
        await database.close()


async def _fill(server: PortalServer, database: Database) -> Target:
    portal = Portal(Settings(_env_file=None, public_url=server.url), database, gateways={})
    password = hash_password(PASSWORD)
    own = await make_account(database, name="Own")
    foreign = await make_account(database, name=f"{CANARY} name")
    customer = await make_user(database, own, email="own@example.com", password_hash=password)
    victim = await make_user(
        database,
        foreign,
        email=f"{CANARY}@example.com",
        name=f"{CANARY} person",
        password_hash=password,
    )
    users = {Kind.CUSTOMER: customer}
    for kind, role in (
        (Kind.VIEWER, Role.VIEWER),
        (Kind.FINANCE, Role.FINANCE),
        (Kind.OWNER, Role.OWNER),
        (Kind.VIEWING, Role.OWNER),
    ):
        users[kind] = await make_user(database, role=role, password_hash=password)
    tokens = {kind: await log_in_as(portal, user) for kind, user in users.items()}
    viewing = await identify(portal, tokens[Kind.VIEWING])
    assert viewing is not None
    await sessions.view_as(portal, viewing, own.key, "")
    tokens[Kind.NOBODY] = ""
    return Target(
        portal=server,
        database=database,
        tokens=tokens,
        identities={kind: await identify(portal, token) for kind, token in tokens.items()},
        victim=await log_in_as(portal, victim),
        victim_user=victim,
        own=await _belongings(database, own, customer, "own"),
        foreign=await _belongings(database, foreign, victim, CANARY),
    )


async def _belongings(database: Database, account: Any, user: Any, text: str) -> dict[str, Any]:
    """Make some of everything that an account has, and return how it is named."""
    paid = await make_payment(
        database, account, completed=True, description=f"{text} paid", gateway="card"
    )
    open_one = await make_payment(
        database,
        account,
        description=f"{text} open",
        gateway="card",
        gateway_reference=f"pi_{text}",
    )
    now = datetime.now(UTC)  # the portal empties old events by itself
    rows = (
        AccountNote(account_id=account.key, text=f"{text} note", user_id=user.key, at=WHEN),
        Mail(
            kind="receipt",
            user_id=user.key,
            recipient=user.email,
            about=f"{text} about",
            created_at=WHEN,
        ),
        InboxEvent(
            gateway="card",
            event_id=f"{text} event",
            kind=f"{text} kind",
            body=f'{{"text": "{text} body"}}',
            payment_id=paid.key,
            verified=True,
            received_at=now,
            handled_at=now,
        ),
    )
    async with database.write() as session:
        session.add_all(rows)
    return {
        "reference": open_one.reference,
        "paid": paid.reference,
        "payment_ids": [paid.key, open_one.key],
        "account_id": account.key,
        "user_id": user.key,
    }
