"""What the sandbox remembers, in one SQLite file that may be wiped at any time.

Every access is a transaction: one writer at a time, all or nothing, in the file before the answer
goes out. So a portal that is killed and started again meets providers that still know what they
charged.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

Document = dict[str, Any]
"""A JSON object as a provider's API writes it."""
Clock = Callable[[], float]
"""Seconds since 1970, UTC."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, gateway TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    body TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL,
    UNIQUE (gateway, kind, id));
CREATE TABLE IF NOT EXISTS replies (
    gateway TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (gateway, key));
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, gateway TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,
    object_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    created_at REAL NOT NULL, UNIQUE (gateway, kind, object_id));
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,
    url TEXT, body TEXT NOT NULL, spoil TEXT NOT NULL, newest_first INTEGER NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL,
    answer TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS due ON deliveries (gateway, status, next_at);
CREATE TABLE IF NOT EXISTS faults (
    gateway TEXT NOT NULL, fault TEXT NOT NULL, value INTEGER NOT NULL, times INTEGER,
    percent INTEGER NOT NULL, seed INTEGER NOT NULL, on_call TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0, fired INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (gateway, fault));
"""
_WIPE = (
    "DELETE FROM objects",
    "DELETE FROM replies",
    "DELETE FROM entries",
    "DELETE FROM deliveries",
    "DELETE FROM faults",
)


class Transaction:
    """One gateway's view of the store while the lock is held; ``now`` is seconds, UTC."""

    def __init__(self, connection: aiosqlite.Connection, gateway: str, now: float) -> None:
        self.gateway = gateway
        self.now = now
        self.posted = False
        """Whether a webhook was queued, so that the sender must wake after the commit."""
        self.knobs: list[Document] | None = None
        """The gateway's fault knobs, once they have been read."""
        self._connection = connection

    async def execute(self, sql: str, *values: object) -> list[Document]:
        """Run one statement and return its rows."""
        async with self._connection.execute(sql, values) as cursor:
            return [dict(row) for row in await cursor.fetchall()]

    async def get(self, kind: str, object_id: str) -> Document | None:
        """Read one object."""
        rows = await self.execute(
            "SELECT body FROM objects WHERE gateway = ? AND kind = ? AND id = ?",
            *(self.gateway, kind, object_id),
        )
        return json.loads(rows[0]["body"]) if rows else None

    async def put(self, kind: str, object_id: str, body: Document) -> None:
        """Write one object, new or changed."""
        await self.execute(
            "INSERT INTO objects (gateway, kind, id, body, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, kind, id)"
            " DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
            *(self.gateway, kind, object_id, json.dumps(body), self.now, self.now),
        )

    async def find(
        self,
        kind: str,
        *,
        match: Mapping[str, list[str]] | None = None,
        after: str | None = None,
        since: float = 0,
        before: float | None = None,
        limit: int = 100,
    ) -> list[Document]:
        """List objects, newest first.

        ``match`` names top-level fields and the values they may have; ``after`` continues behind
        that id; ``since`` (inclusive) and ``before`` (exclusive) bound the time of creation.
        """
        sql = "SELECT body FROM objects WHERE gateway = ? AND kind = ? AND created_at >= ?"
        values: list[object] = [self.gateway, kind, since]
        if before is not None:
            sql += " AND created_at < ?"
            values.append(before)
        if after is not None:
            sql += " AND seq < (SELECT seq FROM objects WHERE gateway = ? AND kind = ? AND id = ?)"
            values += [self.gateway, kind, after]
        for name, allowed in (match or {}).items():
            sql += f" AND json_extract(body, ?) IN ({', '.join('?' * len(allowed))})"
            values += [f'$."{name}"', *allowed]
        rows = await self.execute(f"{sql} ORDER BY seq DESC LIMIT ?", *values, limit)
        return [json.loads(row["body"]) for row in rows]

    async def book(
        self, kind: str, reference: str, object_id: str, amount: int, currency: str
    ) -> None:
        """Enter moved money into the ledger, once per kind and object.

        ``kind`` is charge, refund, chargeback or chargeback_reversal; ``reference`` is the
        merchant's own; ``amount`` is positive minor units.
        """
        await self.execute(
            "INSERT INTO entries (gateway, kind, reference, object_id, amount, currency,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(
                self.gateway,
                kind,
                reference,
                object_id,
                amount,
                currency.upper(),
                self.now,
            ),
        )

    async def unbook(self, kind: str, object_id: str) -> None:
        """Take an entry back: a refund that failed after all."""
        await self.execute(
            "DELETE FROM entries WHERE gateway = ? AND kind = ? AND object_id = ?",
            *(self.gateway, kind, object_id),
        )


class Store:
    """The sandbox's memory; open it with ``async with store.running()``."""

    def __init__(self, path: Path, clock: Clock = time.time) -> None:
        self.clock = clock
        self.posted: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """Set for a gateway when a webhook of its was queued."""
        self._path = path
        self._lock = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the file open."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        async with aiosqlite.connect(self._path, isolation_level=None) as connection:
            connection.row_factory = aiosqlite.Row
            await connection.execute("PRAGMA busy_timeout = 10000")
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("PRAGMA synchronous = NORMAL")
            await connection.executescript(_SCHEMA)
            self._connection = connection
            try:
                yield
            finally:
                self._connection = None

    @asynccontextmanager
    async def transaction(self, gateway: str) -> AsyncIterator[Transaction]:
        """Read and write atomically; an exception undoes everything. Do not nest."""
        if self._connection is None:
            raise RuntimeError("the sandbox is not running")
        async with self._lock:
            connection = self._connection
            await connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection, gateway, self.clock())
            try:
                yield transaction
            except BaseException:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")
        if transaction.posted:
            self.posted[gateway].set()

    async def wipe(self) -> None:
        """Forget everything, fault knobs included."""
        async with self.transaction("") as tx:
            for statement in _WIPE:
                await tx.execute(statement)
