"""An account's personal data: handed out as one file, and erased while its books stay."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Any

import structlog

from payments_app.db import accounts, erasure, personal
from payments_app.db.models import Account
from payments_app.db.personal import PERSONAL
from payments_app.domain.errors import InvalidRequest, NotFound
from payments_app.domain.payment import Role
from payments_app.services import audit, directory, exports
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.passwords import NOBODYS
from payments_app.services.sessions import tell_ended

log = structlog.get_logger()


async def export(
    portal: Portal, who: Identity, account_id: int, address: str
) -> AsyncIterator[str]:
    """Return everything that is kept about an account's people, as pieces of one JSON text.

    Owners only (raises NotAllowed); raises NotFound. The audit log tells who took it.
    """
    who.require(Role.OWNER)
    now = portal.clock()
    async with portal.db.write() as session:
        if await session.get(Account, account_id) is None:
            raise NotFound(f"account {account_id}")
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "personal_data_exported",
            f"account:{account_id}",
        )
    return _pieces(portal, account_id, now)


async def _pieces(portal: Portal, account_id: int, now: datetime) -> AsyncIterator[str]:
    yield f'{{"account": {account_id}, "exported_at": {_json(now)}, "data": {{'
    async with exports.slots, portal.db.read(snapshot=True) as session:
        for number, kept in enumerate(PERSONAL):
            yield ", " * bool(number)
            yield f'"{kept.table.__tablename__}": {{"why": {_json(kept.why)}, "rows": ['
            between = ""
            async for row in personal.rows_of(session, kept, account_id):
                yield between + _json(row)
                between = ",\n"
            yield "]}"
    yield "}}\n"


async def erase(portal: Portal, who: Identity, account_id: int, address: str) -> None:
    """Erase an account's personal data for good: its people are logged out and cannot come back.

    Amounts, dates, statuses and references stay, and the audit log's chain still verifies. A second
    time nothing happens. Owners only; raises NotAllowed, NotFound, and InvalidRequest (``account``:
    ``in_motion``) while a payment is Pending or in review, or an approval waits.
    """
    who.require(Role.OWNER)
    now = portal.clock()
    async with portal.db.write() as session:
        account, users = await erasure.lock(session, account_id)
        if account is None:
            raise NotFound(f"account {account_id}")
        if account.erased_at is not None:
            return
        if await erasure.is_in_motion(session, account_id):
            raise InvalidRequest("account", "in_motion")
        ended = [
            login.key
            for user in users
            for login in await accounts.open_logins(session, user.key, now)
        ]
        for user in users:
            user.password_hash = NOBODYS
        entries = await erasure.audit_rows(session, account_id)
        await erasure.erase(session, account, users, now)
        told = await audit.record(
            session,
            now,
            Actor.of(who, address),
            audit.ERASED,
            f"account:{account_id}",
            after={"audit_rows": len(entries)},
        )
        await erasure.blank_audit(session, entries, told)
    await erasure.empty_log_file(portal.db)
    log.info("personal_data_erased", account=account_id, user=who.user_id)
    await tell_ended(portal, ended)
    await portal.feed.announce(directory.TOPIC)
    await portal.feed.announce(audit.TOPIC)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else bytes(value).hex()
