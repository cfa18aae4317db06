"""Webhooks that arrive together: stored, and settled where they prove enough, in one commit.

Each is answered once the group is on disk. What a message does not prove by itself, and whatever
goes wrong while settling, is left to the worker (``webhooks``), event by event.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import TypeAdapter
from sqlalchemy.exc import OperationalError

from payments_app.db import inbox
from payments_app.db.inbox import Received
from payments_app.db.ledger import OpenPayment
from payments_app.domain.errors import DatabaseBusy
from payments_app.gateways.base import GatewayEvent
from payments_app.services.context import Portal
from payments_app.services.live import Change
from payments_app.services.refusals import kept_headers, readable
from payments_app.services.settlement import Outcome, Proof, settle_proved

log = structlog.get_logger()

TOPIC: Final = "webhooks"
"""Announced when a webhook came, was handled or is to be handled again."""

EVENT: Final = TypeAdapter(GatewayEvent)
"""How a translated event is stored and read again."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One verified webhook, as it came."""

    gateway: str
    event: GatewayEvent
    headers: Mapping[str, str]
    body: bytes

    @property
    def name(self) -> tuple[str, str]:
        """What is the same for each repeat."""
        return self.gateway, self.event.event_id

    @property
    def proof(self) -> Proof | None:
        """What the message itself proves of a payment of ours."""
        event = self.event
        if event.result is None or not event.reference:
            return None
        return Proof(self.gateway, event.reference, event.result)


async def take_in(portal: Portal, arrival: Arrival) -> bool:
    """Store a webhook with those that arrive meanwhile; return whether it is new.

    It is on disk when this returns.
    """

    async def write(group: Sequence[Arrival]) -> Sequence[bool | Exception]:
        return await _take_in_all(portal, group)

    new: bool = await portal.arrivals.put(arrival, write)
    return new


async def _take_in_all(portal: Portal, group: Sequence[Arrival]) -> Sequence[bool | Exception]:
    try:
        return await _write(portal, group, settling=True)
    except (DatabaseBusy, OperationalError):
        raise  # The database is away, busy or full: none of these events is the cause
    except Exception:
        log.exception("webhook_group_failed", size=len(group))
    answers: list[bool | Exception] = []
    for arrival in group:
        try:
            answers += await _write(portal, [arrival], settling=False)
        except Exception as error:  # Only its own sender has to send it again
            log.exception("webhook_not_stored", gateway=arrival.gateway)
            answers.append(error)
    return answers


async def _write(portal: Portal, group: Sequence[Arrival], *, settling: bool) -> Sequence[bool]:
    """Write a group in one transaction; return which of it are new."""
    now = portal.clock()
    firsts = {arrival.name: arrival for arrival in reversed(group)}
    times = Counter(arrival.name for arrival in group)
    proofs = {
        proof.reference: (name, proof)
        for name, arrival in firsts.items()
        if settling and (proof := arrival.proof)
    }
    async with portal.db.write() as session:
        completed = await settle_proved(
            session, [proof for _, proof in proofs.values()], "webhook", now
        )
        settled = {proofs[payment.reference][0]: payment for payment in completed}
        received = await inbox.store_all(
            session,
            [
                _received(arrival, times[name], settled.get(name))
                for name, arrival in firsts.items()
            ],
            Outcome.COMPLETED,
            now,
        )
    await _tell(portal, completed, done=len(completed) == len(firsts))
    return [
        arrival is firsts[arrival.name] and received[arrival.name] == times[arrival.name]
        for arrival in group
    ]


def _received(arrival: Arrival, times: int, payment: OpenPayment | None) -> Received:
    event = arrival.event
    return Received(
        gateway=arrival.gateway,
        event_id=event.event_id,
        kind=event.kind,
        reference=event.reference or event.gateway_reference,
        gateway_reference=event.gateway_reference,
        headers=json.dumps(kept_headers(arrival.headers)),
        body=readable(arrival.body),
        event=EVENT.dump_json(event).decode(),
        times_received=times,
        payment_id=payment and payment.key,
    )


async def _tell(portal: Portal, settled: Iterable[OpenPayment], *, done: bool) -> None:
    """Tell of a committed group; the worker too, unless nothing of it is left to do."""
    for payment in settled:
        log.info("settled", reference=payment.reference, outcome=Outcome.COMPLETED, actor="webhook")
        await portal.feed.publish(Change(payment.key, payment.account_id))
    if not done:
        portal.inbox_filled.set()
    await portal.feed.announce(TOPIC)
