"""What is wrong and staff have to know of, and their acknowledgements."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog

from payments_app.db import alerts
from payments_app.domain.errors import NotFound
from payments_app.domain.payment import Role
from payments_app.services import audit
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

log = structlog.get_logger()

TOPIC: Final = "alerts"
"""Announced when an alert is raised, closed or acknowledged."""

_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be; ``subject`` is what it is about (``payment:P123``)."""

    code: str
    subject: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One alert as staff see it; times are UTC."""

    id: int
    code: str
    subject: str
    details: dict[str, Any]
    raised_at: datetime
    seen_at: datetime


async def report(portal: Portal, codes: Collection[str], findings: Iterable[Finding]) -> int:
    """Raise an alert for each finding of a check that looked for ``codes``.

    Alerts of those codes that were not found again are closed: whatever it was has been put right.
    Returns how many are new.
    """
    now = portal.clock()
    new = 0
    async with portal.db.write() as session:
        for finding in findings:
            if await alerts.put(session, finding.code, finding.subject, finding.details, now):
                new += 1
                log.error("alert", code=finding.code, subject=finding.subject, **finding.details)
        await alerts.close_unseen(session, codes, now)
    await portal.feed.announce(TOPIC)
    return new


async def open_alerts(portal: Portal) -> tuple[OpenAlert, ...]:
    """Return the newest open alerts that nobody has acknowledged, for a banner that staff see."""
    async with portal.db.read() as session:
        rows = await alerts.unacknowledged(session, _SHOWN)
    return tuple(
        OpenAlert(row.key, row.code, row.subject, row.details, row.raised_at, row.seen_at)
        for row in rows
    )


async def acknowledge(portal: Portal, who: Identity, alert_id: int, address: str = "") -> None:
    """Take an alert off the banner: someone of staff looks after it. Raises NotFound, NotAllowed.

    It is not raised again while the same fault lasts, and once that was mended it may be.
    """
    who.require(Role.FINANCE)
    now = portal.clock()
    async with portal.db.write() as session:
        alert = await alerts.lock(session, alert_id)
        if alert is None:
            raise NotFound(f"alert {alert_id}")
        if alert.acknowledged_at is not None or alert.closed_at is not None:
            return
        alert.acknowledged_at, alert.user_id = now, who.user_id
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "alert_acknowledged",
            f"alert:{alert.key}",
            after={"code": alert.code, "subject": alert.subject},
        )
    await portal.feed.announce(TOPIC)
