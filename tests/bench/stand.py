"""What the jobs work on: a portal on a copy of the large database, and who is logged in there."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from payments_app.db.engine import Database
from payments_app.db.models import LoginSession
from tests.bench.data import PostgresBench, SqliteBench
from tests.support.portal import PortalServer


@dataclass
class Stand:
    """A running portal; ``start_seconds`` is what it took to answer.

    Of the open payments the first ``paid`` are settled, and the last ``watched`` of one payer.
    """

    bench: SqliteBench | PostgresBench
    portal: PortalServer
    database: Database
    start_seconds: float = 0
    paid: int = 0
    watched: int = 0
    cookies: dict[tuple[int, int], str] = field(default_factory=dict)

    async def cookie(self, user_id: int, browser: int = 0) -> str:
        """Return the cookie of a login of that user in one of several browsers."""
        if (user_id, browser) not in self.cookies:
            token, now = secrets.token_urlsafe(), datetime.now(UTC)
            async with self.database.write() as session:
                login = LoginSession(
                    token_hash=hashlib.sha256(token.encode()).digest(),
                    user_id=user_id,
                    created_at=now,
                    last_seen_at=now,
                    expires_at=now + timedelta(days=1),
                )
                session.add(login)
            self.cookies[user_id, browser] = f"portal_session={token}"
        return self.cookies[user_id, browser]

    def memory(self) -> int:
        """Return how many bytes the portal's processes keep in memory."""
        assert self.portal.process is not None
        return sum(_resident(pid) for pid in _with_children(self.portal.process.pid))

    def processor_seconds(self) -> float:
        """Return the processor time that the portal's processes have used."""
        assert self.portal.process is not None
        return sum(_used(pid) for pid in _with_children(self.portal.process.pid))


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _with_children(int(child))


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
