"""Who did what, when and from where: an append-only, hash-chained log."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import audit
from payments_app.db.staff_models import AuditEntry
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or the portal itself (``user_id`` None). ``address`` is the browser's."""

    name: str
    user_id: int | None = None
    address: str = ""

    @classmethod
    def of(cls, who: Identity, address: str = "") -> "Actor":
        """Return the actor that a logged-in user is."""
        return cls(who.email, who.user_id, address)


async def record(
    session: AsyncSession,
    at: datetime,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write one action down in the caller's transaction, so that it stands or falls with it.

    ``action`` is machine readable (``payment_refunded``), ``subject`` what it was done to
    (``payment:P123``). Values must be JSON; leave secrets out.
    """
    entry = AuditEntry(
        at=at,
        user_id=actor.user_id,
        actor=actor.name,
        address=actor.address[:64],
        action=action,
        subject=subject,
        before=dict(before or {}),
        after=dict(after or {}),
        hash=b"",
    )
    entry.hash = chained(await audit.last_hash(session), entry)
    session.add(entry)
    await session.flush()


def chained(previous: bytes, entry: AuditEntry) -> bytes:
    """Return the SHA-256 of a row's content and the hash before it."""
    content = [
        entry.at.isoformat(),
        entry.user_id,
        entry.actor,
        entry.address,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
    ]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


async def first_broken(portal: Portal) -> int | None:
    """Return the number of the first row that does not follow from the one before, or None.

    A row that was removed shows at its successor; rows cut off at the end leave no trace here, so
    keep the newest hash elsewhere too.
    """
    previous = b""
    async with portal.db.read() as session:
        async for rows in audit.stream(session):
            for entry in rows:
                if chained(previous, entry) != entry.hash:
                    return entry.key
                previous = entry.hash
    return None
