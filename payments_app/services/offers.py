"""What a customer may pay with, and what it costs before it is begun."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from payments_app.db import ledger, payments
from payments_app.db.models import Account
from payments_app.domain.errors import (
    AmountError,
    InvalidRequest,
)
from payments_app.domain.money import Money
from payments_app.gateways.base import Channel, Gateway
from payments_app.services import gateway_settings
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.pricing import charge_of

ASK_AT_MOST_EVERY: Final = timedelta(seconds=5)
"""How often a customer can have a payment's gateway asked."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to pay; ``answering`` is false while its gateway is known not to answer.

    ``last_used`` is true for the one that the account's newest completed payment came through.
    """

    code: str
    label: str
    icon: str
    collects_card: bool
    checkout_title: str | None
    answering: bool
    currencies: tuple[str, ...]
    channels: tuple[Channel, ...]
    last_used: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """What a top-up costs: ``pay`` is above ``credit`` where there is a surcharge, and in another
    currency where ``rate`` says what one unit of the credit's costs."""

    pay: Money
    credit: Money
    balance_after: Money
    rate: str = ""


async def offers(portal: Portal, who: Identity) -> tuple[Offer, ...]:
    """Return the gateways that the customer can pay with: the last one used, then by order."""
    async with portal.read_as(who) as session:
        await gateway_settings.refresh_in(session, portal)
        account = await session.get_one(Account, who.own_account())
        offered = [
            gateway
            for gateway in portal.gateways.values()
            if gateway.offered and _currencies(gateway, account)
        ]
        last = await payments.last_gateway(
            session, who.own_account(), [gateway.code for gateway in offered]
        )
    return tuple(
        Offer(
            code=gateway.code,
            label=say(gateway.label),
            icon=gateway.icon,
            collects_card=gateway.collects_card,
            checkout_title=gateway.checkout_title,
            answering=gateway.answering,
            currencies=_ordered(_currencies(gateway, account), who.home_currency),
            channels=gateway.channels,
            last_used=gateway.code == last,
        )
        for gateway in sorted(offered, key=lambda one: (one.code != last, one.settings.order))
    )


def _currencies(gateway: Gateway, account: Account) -> frozenset[str]:
    """Return what the account may pay in by this gateway; nothing when it may not use it."""
    if account.methods is not None and gateway.code not in account.methods:
        return frozenset()
    allowed = gateway.currencies() | gateway.settings.settlement_rates.keys()
    return allowed if account.currencies is None else allowed & frozenset(account.currencies)


def _ordered(currencies: frozenset[str], first: str) -> tuple[str, ...]:
    return tuple(sorted(currencies, key=lambda code: (code != first, code != "USD", code)))


async def quote(
    portal: Portal, who: Identity, gateway: str, amount: Money, channel: str | None = None
) -> Quote:
    """Return what a top-up of ``amount`` costs and where it leaves the balance.

    Raises InvalidRequest (gateway, currency or channel not offered) and AmountError (the stricter
    of the account's and the gateway's minimum counts; ``limit`` is in minor units).
    """
    async with portal.read_as(who) as session:
        await gateway_settings.refresh_in(session, portal)
        account = await session.get_one(Account, who.own_account())
        chosen = _offered(portal, account, gateway, amount, channel)
        balance = await ledger.balance_of(session, who.own_account(), amount.currency)
    _check_limits(chosen, account, amount)
    return Quote(
        pay=charge_of(chosen, amount),
        rate=chosen.settings.settlement_rates.get(amount.currency, ""),
        credit=amount,
        balance_after=Money(balance + amount.minor, amount.currency),
    )


def _offered(
    portal: Portal, account: Account, code: str, amount: Money, channel: str | None
) -> Gateway:
    gateway = portal.gateways.get(code)
    if gateway is None or not gateway.offered or not _currencies(gateway, account):
        raise InvalidRequest("gateway", "not_offered")
    if amount.currency not in _currencies(gateway, account):
        raise InvalidRequest("currency", "not_offered")
    if gateway.channels and channel not in {choice.code for choice in gateway.channels}:
        raise InvalidRequest("channel", "required" if channel is None else "not_offered")
    return gateway


def _check_limits(gateway: Gateway, account: Account, amount: Money) -> None:
    least = gateway.minimum(amount.currency)
    minimum = least.minor if least else 0
    if account.home_currency == amount.currency:
        minimum = max(minimum, account.minimum_payment)
    if amount.minor < minimum:
        raise AmountError("below_minimum", minimum)
    most = gateway.maximum(amount.currency)
    if most is not None and amount.minor > most.minor:
        raise AmountError("above_maximum", most.minor)
