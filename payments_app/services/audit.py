"""Who did what, when and from where: an append-only, hash-chained log."""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import audit
from payments_app.db.engine import Database
from payments_app.db.staff_models import AuditEntry
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.secrecy import without_secrets

log = structlog.get_logger()

TOPIC: Final = "audit"
"""What tabs that show the log listen for."""

ERASED: Final = "personal_data_erased"
"""The action after which personal parts of the log are gone; ``audit_rows`` says of how many."""

_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or the portal itself (``user_id`` None). ``address`` is the browser's."""

    name: str
    user_id: int | None = None
    address: str = ""

    @classmethod
    def of(cls, who: Identity, address: str = "") -> "Actor":
        """Return the actor that a logged-in user is; number 0 is nobody in the database."""
        return cls(who.email, who.user_id or None, address)


async def record(
    session: AsyncSession,
    at: datetime,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> int:
    """Write one action down in the caller's transaction; return the entry's number.

    ``action`` is machine readable (``payment_refunded``), ``subject`` what it was done to
    (``payment:P123``). Values must be JSON; what is named like a secret there is not kept. Names
    and texts belong into the values only, since they alone can be erased.
    """
    entry = AuditEntry(
        at=at,
        user_id=actor.user_id,
        actor=actor.name,
        address=actor.address[:64],
        action=action,
        subject=subject,
        before=without_secrets(before or {}),
        after=without_secrets(after or {}),
        hash=b"",
        salt=secrets.token_bytes(_SALT_BYTES),
    )
    entry.personal_hash = personal_digest(entry)
    head = await audit.lock_head(session)
    head.hash = entry.hash = chained(head.hash, entry)
    session.add(entry)
    await session.flush()
    head.entry_id = entry.key
    return entry.key


def chained(previous: bytes, entry: AuditEntry) -> bytes:
    """Return the SHA-256 of a row's content and the hash before it."""
    digest = entry.personal_hash.hex()
    content = [entry.at.isoformat(), entry.user_id, entry.action, entry.subject, digest]
    return _sha256(previous, content)


def personal_digest(entry: AuditEntry) -> bytes:
    """Return the SHA-256 of a row's salt and personal part: without the salt it tells nothing."""
    return _sha256(entry.salt or b"", [entry.actor, entry.address, entry.before, entry.after])


def _sha256(before: bytes, content: list[Any]) -> bytes:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(before + text.encode()).digest()


async def first_broken(database: Database) -> int | None:
    """Return the number of the first row that does not follow from the one before, or None.

    A row that was removed shows at its successor; rows that were cut off at the end show at the
    number where the log is known to end. Rows that were blanked without an erasure, or beside one,
    show at the entry that should tell of them. Whoever can change all that too is betrayed by a
    hash that was noted elsewhere: each check logs the newest one, each export ends with it
    (``contains``).
    """
    previous, last_id = b"", 0
    erased: Counter[int] = Counter()
    async with database.read(patient=True) as session:
        head = await audit.head(session)
        async for rows in audit.stream(session, head.entry_id):
            for entry in rows:
                if not _holds(previous, entry, erased):
                    return entry.key
                previous, last_id = entry.hash, entry.key
    whole = (last_id, previous) == (head.entry_id, head.hash) and not erased
    return None if whole else min(erased, default=head.entry_id)


def _holds(previous: bytes, entry: AuditEntry, erased: Counter[int]) -> bool:
    """Check one row; ``erased`` counts the blanked rows for each entry that should tell of them."""
    if chained(previous, entry) != entry.hash:
        return False
    if entry.action == ERASED and erased.pop(entry.key, 0) != entry.after.get("audit_rows"):
        return False
    if entry.erased_by is None:
        return personal_digest(entry) == entry.personal_hash
    erased[entry.erased_by] += 1
    return not (entry.actor or entry.address or entry.before or entry.after)


async def contains(database: Database, entry_hash: bytes) -> bool:
    """Tell whether a hash that was noted elsewhere still stands in the log."""
    async with database.read() as session:
        return await audit.has_hash(session, entry_hash)


async def revision(portal: Portal) -> tuple[int, datetime | None]:
    """Return what changes whenever the log has grown or was checked."""
    async with portal.db.read() as session:
        head = await audit.head(session)
    return head.entry_id, head.checked_at


async def check(portal: Portal) -> None:
    """Check the whole log, and write down when and with what result."""
    now = portal.clock()
    broken = await first_broken(portal.db)
    async with portal.db.write() as session:
        head = await audit.lock_head(session)
        head.checked_at, head.broken_id = now, broken
    log.info("audit_checked", entry=head.entry_id, hash=head.hash.hex(), broken=broken)
    await portal.feed.announce(TOPIC)
