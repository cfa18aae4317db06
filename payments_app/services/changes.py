"""What changed, read once by each worker for all of its tabs; also what other processes changed."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from payments_app.db import accounts as db_accounts
from payments_app.db import balances, staff_payments, statements
from payments_app.db.balances import Standing
from payments_app.db.engine import Database
from payments_app.db.models import Payment
from payments_app.db.staff_payments import Entry
from payments_app.services.context import Portal
from payments_app.services.live import Change

_ENDED: Final = -1
"""Stands for the account of a login session that has ended: no account has this number."""
_OVERLAP: Final = 100
"""Timeline entries read again each time: PostgreSQL commits numbers out of their order."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A payment that has changed, with its account's balances where a customer watches it.

    ``balance`` is what the account had after it.
    """

    entry: Entry
    standings: Sequence[Standing] = field(default_factory=tuple)
    balance: int | None = None

    @property
    def payment(self) -> Payment:
        """The payment itself."""
        return self.entry.payment


@dataclass(frozen=True, slots=True)
class Reading:
    """The payments that changed, and which login sessions hold: each with the account that it
    shows, None for staff."""

    snapshots: Sequence[Snapshot]
    sessions: Mapping[int, int | None]

    def entitles(self, session_id: int, account_id: int | None) -> bool:
        """Tell whether a login session holds and shows this account, None being all of them."""
        return self.sessions.get(session_id, _ENDED) == account_id


async def read(
    portal: Portal,
    payment_ids: Collection[int],
    *,
    accounts: Collection[int | None] = (),
    sessions: Collection[int] = (),
) -> Reading:
    """Read payments once, whatever the number of tabs that show them.

    Balances are read of ``accounts`` only, and of the login ``sessions`` it is found out which
    hold.
    """
    now = portal.clock()
    seen_after = now - timedelta(seconds=portal.settings.session_idle_seconds)
    async with portal.db.read() as session:
        entries = await staff_payments.changed(session, payment_ids)
        holding = (
            await db_accounts.open_sessions(session, sessions, now, seen_after) if sessions else {}
        )
        standings = {
            account: await balances.standings(session, account)
            for account in {entry.payment.account_id for entry in entries}
            if account in accounts
        }
        watched = [e.payment.key for e in entries if e.payment.account_id in standings]
        left = await statements.balances_after(session, watched) if watched else {}
    snapshots = [
        Snapshot(entry, standings.get(entry.payment.account_id, ()), left.get(entry.payment.key))
        for entry in entries
    ]
    return Reading(snapshots, holding)


class Tail:
    """The end of the timeline, where changes by other processes show.

    Each change of a payment leaves a timeline entry in its commit, so one read of what came since
    tells them all. On SQLite even that is left out while ``PRAGMA data_version`` stands still.
    """

    def __init__(self, database: Database, connection: AsyncConnection | None) -> None:
        self._database = database
        self._connection = connection
        self._version = -1
        self._last = 0
        self._seen: set[int] = set()

    async def begin(self) -> None:
        """Take everything up to now as known."""
        await self._has_moved()
        async with self._database.read() as session:
            self._last = await staff_payments.newest_entry(session)
            known = await staff_payments.entries_after(session, self._last - _OVERLAP)
        self._seen = {entry for entry, _, _ in known}

    async def changes(self) -> list[tuple[int, Change]]:
        """Return what changed since the last call, each with its timeline entry's number."""
        if not await self._has_moved():
            return []
        async with self._database.read() as session:
            found = await staff_payments.entries_after(session, self._last - _OVERLAP)
        new = [one for one in found if one[0] not in self._seen]
        self._seen = {entry for entry, _, _ in found}
        self._last = max([self._last, *self._seen])
        return [(entry, Change(payment, account)) for entry, payment, account in new]

    async def _has_moved(self) -> bool:
        if self._connection is None:
            return True
        before = self._version
        self._version = (await self._connection.execute(text("PRAGMA data_version"))).scalar_one()
        await self._connection.rollback()
        return self._version != before


@asynccontextmanager
async def tail_of(portal: Portal) -> AsyncIterator[Tail]:
    """Give the tail from now on; SQLite's counter needs one connection all the time."""
    if not portal.db.is_sqlite:
        tail = Tail(portal.db, None)
        await tail.begin()
        yield tail
        return
    async with portal.db.engine.connect() as connection:
        tail = Tail(portal.db, connection)
        await tail.begin()
        yield tail
