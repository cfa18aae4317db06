"""The sockets of one worker in a test, and what its database is asked meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any, cast

import reflex as rx
from reflex.state import StateUpdate
from reflex_base.constants.state import FIELD_MARKER
from reflex_base.utils.format import json_dumps
from sqlalchemy import event

from payments_app.db.engine import Database
from payments_app.services.context import Portal
from payments_app.state import live

PATCH = f"patch{FIELD_MARKER}"


class Tabs:
    """Open tabs, with what each was sent; closing one is leaving it out of ``token_to_sid``."""

    def __init__(self) -> None:
        self.token_to_sid: dict[str, str] = {}
        self.sent: list[tuple[str, StateUpdate]] = []
        self._news = asyncio.Event()

    def open(self, token: str) -> None:
        """Connect a tab."""
        self.token_to_sid[token] = f"socket of {token}"

    async def emit(self, _event: str, update: StateUpdate, *, to: list[str]) -> None:
        """Take what tabs are sent."""
        tokens = {sid: token for token, sid in self.token_to_sid.items()}
        self.sent += [(tokens[sid], update) for sid in to]
        self._news.set()

    async def until(self, count: int) -> list[tuple[str, StateUpdate]]:
        """Wait for that many messages in all."""
        async with asyncio.timeout(10):
            while len(self.sent) < count:
                self._news.clear()
                await self._news.wait()
        return self.sent

    async def until_told(self, name: str) -> dict[str, Any]:
        """Wait for the first message that sets this var, and return what it sets."""
        while True:
            for values in self.values():
                if f"{name}{FIELD_MARKER}" in values:
                    return values
            await self.until(len(self.sent) + 1)

    def values(self, token: str = "") -> list[dict[str, Any]]:
        """Return the vars that each message sets, of one tab or of all."""
        return [
            values
            for to, update in self.sent
            if token in ("", to)
            for values in update.delta.values()
        ]

    def patches(self, token: str = "") -> list[dict[str, Any]]:
        """Return the patches of one tab, or of all."""
        return [values[PATCH] for values in self.values(token) if PATCH in values]

    def largest(self) -> int:
        """Return the bytes of the largest message, as it stands on the wire."""
        return max(len(json_dumps(update).encode()) for _, update in self.sent)


@asynccontextmanager
async def following(portal: Portal, tabs: Tabs) -> AsyncIterator[rx.App]:
    """Run a worker's listener for these tabs; it gives the app that it follows changes for."""
    app = cast("rx.App", SimpleNamespace(event_processor=None, event_namespace=tabs))
    async with live.follow_changes(app, portal):
        yield app


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Collect the statements that a database is sent, but for the look around each second."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        looks = "PRAGMA" in statement or "timeline_entry.id >" in statement
        if not looks and not statement.startswith("SELECT max(timeline_entry.id)"):
            statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
