"""What the checkout shows, as small values for the browser: offers, and how a payment stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from babel.dates import format_timedelta

from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import Channel, Redirect, ShowInstructions
from payments_app.services.catalogues import say
from payments_app.services.checkout import Progress
from payments_app.services.formatting import count, day_and_time, locale_of, money
from payments_app.services.identity import Identity
from payments_app.services.offers import Offer
from payments_app.services.wording import next_step, reason

ASK_EVERY_SECONDS: Final = 10
"""How often a page that shows a Pending payment asks its gateway."""

_QUICK: Final = {"PHP": (500, 1000, 2500, 5000), "NGN": (5000, 10000, 25000, 50000)}
_QUICK_ELSEWHERE: Final = (10, 25, 50, 100)


@dataclass(frozen=True)
class OfferView:
    """One way to pay; ``answering`` is false while its gateway is known not to answer."""

    code: str
    label: str
    icon: str
    answering: bool
    last_used: bool


@dataclass(frozen=True)
class ChannelView:
    """One choice within a way to pay."""

    code: str
    label: str


@dataclass(frozen=True)
class ChannelGroup:
    """Channels under one heading."""

    name: str
    channels: list[ChannelView]


@dataclass(frozen=True)
class QuickAmount:
    """An amount to pick with one press; ``typed`` goes into the field."""

    typed: str
    label: str


@dataclass(frozen=True)
class Line:
    """A label and its value."""

    label: str
    value: str


@dataclass(frozen=True)
class Stand:
    """How a payment stands.

    ``words`` tell why it was cancelled or what it waits for; ``link`` leads to the gateway's page
    of an open one; ``pay_reference``, ``instructions``, ``lines`` and ``until`` say how to pay
    elsewhere; ``arrived`` is what came of one paid in part; ``asked`` is how many seconds ago the
    gateway was asked, -1 for never, and ``next_check`` in how many it is asked again.
    """

    reference: str = ""
    status: str = ""
    gateway: str = ""
    description: str = ""
    amount: str = ""
    balance: str = ""
    words: str = ""
    link: str = ""
    arrived: str = ""
    pay_reference: str = ""
    instructions: str = ""
    lines: list[Line] = field(default_factory=list)
    until: str = ""
    age: str = ""
    asked: int = -1
    next_check: int = 0


def offer_view(offer: Offer) -> OfferView:
    """Return what is shown of an offer."""
    return OfferView(offer.code, offer.label, offer.icon, offer.answering, offer.last_used)


def channel_groups(channels: Iterable[Channel]) -> list[ChannelGroup]:
    """Return channels under their headings, both in the gateway's own order."""
    return [
        ChannelGroup(say(name), [ChannelView(channel.code, channel.label) for channel in group])
        for name, group in groupby(channels, key=lambda channel: channel.group)
    ]


def quick_amounts(currency: str, locale: str) -> list[QuickAmount]:
    """Return the amounts to offer, whole units of the currency."""
    units = _QUICK.get(currency, _QUICK_ELSEWHERE) if currency else ()
    return [QuickAmount(str(unit), count(unit, locale)) for unit in units]


def seconds_since(asked: datetime | None, now: datetime) -> int:
    """Return how long ago a gateway was asked, -1 for never."""
    return -1 if asked is None else max(0, int((now - asked).total_seconds()))


def seconds_until(check: datetime | None, now: datetime) -> int:
    """Return in how long a gateway is asked again, 0 for at once or never."""
    return 0 if check is None else max(0, int((check - now).total_seconds()))


def stand_of(progress: Progress, who: Identity, now: datetime) -> Stand:
    """Return what is shown of a payment."""
    pending = progress.status is PaymentStatus.PENDING
    asked = seconds_since(progress.checked_at, now) if pending else -1
    action = progress.next_action
    told = action if isinstance(action, ShowInstructions) else None
    return Stand(
        reference=progress.reference,
        status=progress.status.value,
        gateway=progress.gateway_label,
        description=progress.description,
        amount=money(progress.amount, who.locale),
        balance=money(progress.balance, who.locale) if progress.balance else "",
        words="" if progress.status is PaymentStatus.COMPLETED else _why(progress.reason),
        link=action.url if isinstance(action, Redirect) else "",
        arrived=money(progress.arrived, who.locale) if progress.arrived else "",
        pay_reference=told.reference if told else "",
        instructions=say(told.text) if told else "",
        lines=[Line(say(label), value) for label, value in told.lines] if told else [],
        until=_until(told, who),
        age=format_timedelta(
            progress.created_at - now, add_direction=True, locale=locale_of(who.locale)
        ),
        asked=asked,
        # This page asks by itself, more often than the sweep.
        next_check=min(
            seconds_until(progress.next_check_at, now), max(0, ASK_EVERY_SECONDS - asked)
        ),
    )


def _why(code: str | None) -> str:
    return " ".join(filter(None, (reason(code), next_step(code))))


def _until(told: ShowInstructions | None, who: Identity) -> str:
    if told is None or told.expires_at is None:
        return ""
    return day_and_time(told.expires_at, who.locale, who.time_zone)
