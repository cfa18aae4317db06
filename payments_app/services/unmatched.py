"""Messages of gateways, and money at them, that belong to no payment of ours."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from payments_app.db import events
from payments_app.db.events import EventState
from payments_app.db.models import InboxEvent
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.gateways.base import GatewayEvent
from payments_app.services import arrivals, audit, formatting
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.review import check_reason

MISSING_HERE: Final = "reconciliation.missing_here"
"""The kind of what a gateway's list holds and our books do not."""
MOST_SHOWN: Final = 20
SET_ASIDE: Final = "set aside"
"""The outcome of one that staff have taken out of review."""

_EVENT: Final = TypeAdapter(GatewayEvent)


@dataclass(frozen=True, slots=True)
class Stranger:
    """One message that waits for staff; ``amount`` is empty where it tells of none."""

    id: int
    is_money: bool
    kind: str
    gateway: str
    amount: str
    reference: str
    received: str


@dataclass(frozen=True, slots=True)
class Strangers:
    """What belongs to no payment: the newest, and how many there are in all."""

    shown: tuple[Stranger, ...]
    count: int


async def unmatched(portal: Portal, who: Identity) -> Strangers:
    """Return the newest messages of no payment; raises NotAllowed."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await events.unmatched(session, MOST_SHOWN)
        count = len(found) if len(found) < MOST_SHOWN else await events.count_unmatched(session)
    return Strangers(tuple(_stranger(portal, who, event) for event in found), count)


async def set_aside(
    portal: Portal, who: Identity, number: int, reason: str, address: str = ""
) -> None:
    """Take a message out of review; it stays among the events, and can be replayed.

    Raises NotAllowed, InvalidRequest without a reason, NotFound for one that waits no more.
    """
    who.require(Role.FINANCE)
    text = check_reason(reason)
    async with portal.db.write() as session:
        event = await session.get(InboxEvent, number, with_for_update=True)
        if event is None or events.state_of(event) is not EventState.UNMATCHED:
            raise NotFound(f"webhook {number}")
        event.outcome = SET_ASIDE
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "webhook_set_aside",
            f"webhook:{number}",
            after={"why": text},
        )
    await portal.feed.announce(arrivals.TOPIC)


def _stranger(portal: Portal, who: Identity, event: InboxEvent) -> Stranger:
    gateway = portal.gateways.get(event.gateway)
    amount = _amount(event)
    return Stranger(
        id=event.key,
        is_money=event.kind == MISSING_HERE,
        kind=event.kind,
        gateway=gateway.label if gateway else event.gateway,
        amount=formatting.money(amount, who.locale) if amount else "",
        reference=event.reference or event.gateway_reference or "",
        received=formatting.day_and_time(event.received_at, who.locale, who.time_zone),
    )


def _amount(event: InboxEvent) -> Money | None:
    try:
        told = _EVENT.validate_python(event.event)
    except ValidationError:  # its content was removed
        return None
    about = told.result or told.takeback
    return about.amount if about else None
