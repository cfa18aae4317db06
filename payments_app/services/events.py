"""What staff see of webhooks: every one that came, what it did and why not; and replaying them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self
from urllib.parse import urlencode

import structlog
from pydantic import BaseModel, ConfigDict, Field

from payments_app.db import events
from payments_app.db.events import EventFilter, EventState
from payments_app.db.models import InboxEvent
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.payment import Role
from payments_app.gateways.http import load_json
from payments_app.services import arrivals, audit, event_words, formatting
from payments_app.services.audit import Actor
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.secrecy import form_without_secrets, without_cards, without_secrets

log = structlog.get_logger()

PAGE_SIZE: Final = 50
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2999, 12, 31)

Cursor = tuple[datetime, int]


class EventView(BaseModel):
    """Which webhooks are on screen, as the page's address says; days are the user's, inclusive."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    search: str = Field(default="", max_length=200, pattern=r"^[^\x00]*$")
    gateway: str = Field(default="", max_length=30, pattern=r"^[^\x00]*$")
    state: EventState | None = None
    since: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)
    until: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)

    def query(self, **more: str) -> str:
        """Return the view as the query of an address."""
        return urlencode(self.model_dump(mode="json", exclude_defaults=True) | more)

    def changed(self, **fields: object) -> Self:
        """Return the view with some fields set anew; raises ValidationError."""
        return self.model_validate(self.model_dump() | fields)

    def filter(self, who: Identity) -> EventFilter:
        """Return what to ask the database for."""
        zone = formatting.zone_of(who.time_zone)
        until = self.until and self.until + timedelta(days=1)
        return EventFilter(
            gateway=self.gateway or None,
            state=self.state,
            since=datetime.combine(self.since, time(), zone) if self.since else None,
            until=datetime.combine(until, time(), zone) if until else None,
            search=self.search,
        )


@dataclass(frozen=True, slots=True)
class EventRow:
    """One webhook as a line of the list; ``payment`` is the reference of ours that it is about."""

    id: int
    received: str
    gateway: str
    icon: str
    kind: str
    reference: str
    payment: str
    times: str
    state: str
    state_label: str
    outcome: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of the list; ``older`` is where the next one starts, None behind the last."""

    rows: tuple[EventRow, ...]
    older: Cursor | None
    unhandled: int


@dataclass(frozen=True, slots=True)
class Header:
    """One HTTP header of a webhook."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class EventDetail:
    """One webhook in full: ``headers`` and ``body`` without secrets, ``meaning`` as the gateway's
    file translated it, ``advice`` what its state means and what can be done."""

    row: EventRow
    event_id: str
    gateway_reference: str
    attempts: str
    handled: str
    next_attempt: str
    advice: str
    headers: tuple[Header, ...]
    body: str
    meaning: str
    can_replay: bool


async def event_page(
    portal: Portal, who: Identity, view: EventView, after: Cursor | None = None
) -> EventPage:
    """Return a page of webhooks, newest first; staff only (raises NotAllowed)."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await events.page(
            session, view.filter(who), portal.gateways.keys(), after, PAGE_SIZE + 1
        )
        unhandled = await events.count_unhandled(session)
    shown = found[:PAGE_SIZE]
    last = shown[-1][0] if len(found) > PAGE_SIZE else None
    return EventPage(
        rows=tuple(_row(portal, who, event, payment) for event, payment in shown),
        older=(last.received_at, last.key) if last else None,
        unhandled=unhandled,
    )


async def event_detail(portal: Portal, who: Identity, event_row_id: int) -> EventDetail:
    """Return one webhook in full; raises NotAllowed and NotFound."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await events.find(session, event_row_id)
    if found is None:
        raise NotFound(f"webhook {event_row_id}")
    event, payment = found
    state = events.state_of(event)
    return EventDetail(
        row=_row(portal, who, event, payment),
        event_id=event.event_id,
        gateway_reference=event.gateway_reference or "",
        attempts=formatting.count(event.attempts, who.locale),
        handled=_when(event.handled_at, who),
        next_attempt=_when(event.next_attempt_at, who),
        advice=event_words.EMPTIED if event.emptied_at else event_words.ADVICE[state],
        headers=tuple(_headers(event.headers)),
        body=_pretty(event.body),
        meaning=_as_json(event.event) if event.event else "",
        can_replay=event.verified and event.emptied_at is None,
    )


async def replay(
    portal: Portal, who: Identity, event_row_id: int | None = None, address: str = ""
) -> int:
    """Have one webhook handled again, or all that are unhandled; return how many.

    A repeat does nothing that was done before. A refused one is never replayed: nobody knows who
    sent it. Raises NotAllowed below finance, NotFound, and NotAllowed for a refused one and for one
    whose content was removed.
    """
    who.require(Role.FINANCE)
    now = portal.clock()
    async with portal.db.write() as session:
        if event_row_id is not None:
            found = await events.find(session, event_row_id)
            if found is None:
                raise NotFound(f"webhook {event_row_id}")
            if not found[0].verified:
                raise NotAllowed("a refused webhook is never handled")
            if found[0].emptied_at is not None:
                raise NotAllowed("its content was removed; the gateway can be asked instead")
        numbers = await events.schedule_again(session, now, event_row_id)
        subject = "webhooks:unhandled" if event_row_id is None else f"webhook:{event_row_id}"
        if numbers:
            await audit.record(
                session,
                now,
                Actor.of(who, address),
                "webhooks_replayed",
                subject,
                after={"webhooks": list(numbers)},
            )
    portal.inbox_filled.set()
    await portal.feed.announce(arrivals.TOPIC)
    log.info("webhooks_replayed", count=len(numbers), user=who.user_id)
    return len(numbers)


def _row(portal: Portal, who: Identity, event: InboxEvent, payment: str | None) -> EventRow:
    gateway = portal.gateways.get(event.gateway)
    state = events.state_of(event)
    return EventRow(
        id=event.key,
        received=_when(event.received_at, who),
        gateway=say(gateway.label) if gateway else event.gateway,
        icon=gateway.icon if gateway else "",
        kind=event.kind,
        reference=payment or event.reference or "",
        payment=payment or "",
        times=formatting.count(event.times_received, who.locale),
        state=state.value,
        state_label=event_words.STATES[state],
        outcome=event_words.outcome(event.outcome),
    )


def _headers(stored: Mapping[str, Any]) -> list[Header]:
    return [Header(name, str(value)) for name, value in sorted(without_secrets(stored).items())]


def _pretty(body: str) -> str:
    try:
        return _as_json(load_json(body))
    except ValueError:
        return form_without_secrets(body)


def _as_json(value: Any) -> str:
    return without_cards(json.dumps(without_secrets(value), indent=2, ensure_ascii=False))


def _when(at: datetime | None, who: Identity) -> str:
    return formatting.day_and_time(at, who.locale, who.time_zone) if at else ""
