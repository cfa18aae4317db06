"""The gateways at a glance, for staff: set up or not and why, how they answer, what they charge."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from payments_app.db import gateways
from payments_app.db.gateways import Figures, Record
from payments_app.domain.languages import later
from payments_app.domain.payment import Role
from payments_app.gateways.base import Gateway
from payments_app.gateways.circuit import CircuitState
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable, Unsupported
from payments_app.services import audit, formatting, gateway_calls, gateway_settings
from payments_app.services.audit import Actor
from payments_app.services.catalogues import Told, say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

log = structlog.get_logger()

_CIRCUITS = Told(
    {
        CircuitState.CLOSED: later("Closed: calls pass"),
        CircuitState.OPEN: later("Open: calls are refused for now"),
        CircuitState.HALF_OPEN: later("Half open: the next call tries"),
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable that the gateway needs; its value is never told."""

    name: str
    is_set: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gateway takes in one currency, as decimals; empty where there is no limit."""

    currency: str
    minimum: str
    maximum: str
    fixed: str


@dataclass(frozen=True, slots=True)
class Answers:
    """How a gateway answered in a stretch of time; texts are empty when there was no call."""

    calls: str
    rate: str
    duration: str


@dataclass(frozen=True, slots=True)
class GatewayCard:
    """One gateway's state. ``state`` is ``good``, ``warn`` or ``bad`` and ``state_label`` its word;
    ``why`` tells why customers are not offered it. ``fee`` is ``none``, ``percent``, ``fixed`` or
    ``deducted``."""

    code: str
    label: str
    icon: str
    mode: str
    state: str
    state_label: str
    why: str
    offered: bool
    enabled: bool
    can_probe: bool
    overridden: bool
    circuit: str
    last_success: str
    last_fault: str
    last_fault_at: str
    hour: Answers
    day: Answers
    needed: tuple[Setting, ...]
    webhook_url: str
    order: str
    currencies: str
    limits: tuple[Limits, ...]
    fee: str
    fee_text: str
    percent: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a test call found: ``text`` says it in words."""

    ok: bool
    text: str


async def gateway_cards(portal: Portal, who: Identity) -> tuple[GatewayCard, ...]:
    """Return every gateway in the order customers see them; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        await gateway_settings.refresh_in(session, portal)
        records = await gateways.records(session, portal.clock())
    ordered = sorted(portal.gateways.values(), key=lambda gateway: gateway.settings.order)
    return tuple(_card(portal, who, gateway, records) for gateway in ordered)


async def probe(portal: Portal, who: Identity, code: str, address: str = "") -> ProbeResult:
    """Make a gateway's harmless test call; raises NotAllowed below finance, and NotFound."""
    who.require(Role.FINANCE)
    gateway = portal.gateway(code)
    started = time.monotonic_ns()
    try:
        await gateway.probe()
    except Unsupported:
        return ProbeResult(False, say("There is nobody to ask: staff confirm these payments."))
    except GatewayRejected as error:
        found = ProbeResult(False, say("It refused our keys or the call: {code}.", code=error.code))
    except GatewayUnavailable as error:
        found = ProbeResult(False, say("It does not answer: {error}.", error=error))
    else:
        milliseconds = (time.monotonic_ns() - started) // 1_000_000
        found = ProbeResult(
            True,
            say("It answered and took our keys, in {milliseconds} ms.", milliseconds=milliseconds),
        )
    now = portal.clock()
    async with portal.db.write() as session:
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "gateway_tested",
            f"gateway:{code}",
            after={"answered": found.ok},
        )
    await portal.feed.announce(audit.TOPIC)
    await portal.feed.announce(gateway_calls.TOPIC)
    return found


def _card(
    portal: Portal, who: Identity, gateway: Gateway, records: Mapping[str, Record]
) -> GatewayCard:
    settings = gateway.settings
    record = records.get(gateway.code, Record())
    state, label = _state(gateway, record)
    fee, fee_text = _fee(gateway)
    missing = set(gateway.missing_settings())
    return GatewayCard(
        code=gateway.code,
        label=say(gateway.label),
        icon=gateway.icon,
        mode=say("Live") if portal.settings.live else say("Sandbox"),
        state=state,
        state_label=label,
        why=_why_not(gateway, missing),
        offered=gateway.offered and bool(gateway.currencies()),
        enabled=settings.enabled,
        can_probe=not missing and not gateway.staff_confirmed,
        overridden=bool(gateway.overrides),
        circuit="" if gateway.staff_confirmed else _CIRCUITS[gateway.client.circuit.state],
        last_success=_when(record.last_success_at, who),
        last_fault=record.last_fault,
        last_fault_at=_when(record.last_fault_at, who),
        hour=_answers(record.hour, who),
        day=_answers(record.day, who),
        needed=tuple(
            Setting(name, name not in missing)
            for name in gateway.variables(*gateway.required_settings)
        ),
        webhook_url=f"{portal.settings.public_url}/webhooks/{gateway.code}",
        order=str(settings.order),
        currencies=", ".join(sorted(gateway.currencies())),
        limits=_limits(gateway),
        fee=fee,
        fee_text=fee_text,
        percent=settings.surcharge_percent,
    )


def _why_not(gateway: Gateway, missing: set[str]) -> str:
    if missing:
        return say(
            "Not offered: {missing} not set in the environment.", missing=", ".join(sorted(missing))
        )
    if not gateway.settings.enabled:
        return say("Not offered: it is switched off.")
    if not gateway.currencies():
        return say("Not offered: no currency is left to offer.")
    return ""


def _state(gateway: Gateway, record: Record) -> tuple[str, str]:
    if gateway.missing_settings():
        return "warn", say("Not set up")
    if not gateway.settings.enabled:
        return "off", say("Switched off")
    if gateway.staff_confirmed:
        return "good", say("By hand")
    if gateway.client.circuit.state is CircuitState.OPEN:
        return "bad", say("Not answering")
    if record.last_fault_at and (record.last_success_at or record.last_fault_at) <= (
        record.last_fault_at
    ):
        return "warn", say("Last call failed")
    return ("good", say("Answers")) if record.last_success_at else ("off", say("Not called today"))


def _limits(gateway: Gateway) -> tuple[Limits, ...]:
    settings = gateway.settings
    amounts = (settings.minimum, settings.maximum, settings.surcharge_fixed)
    shown = gateway.currencies().union(*amounts)
    return tuple(
        Limits(currency, *(each.get(currency, "") for each in amounts))
        for currency in sorted(shown)
    )


def _fee(gateway: Gateway) -> tuple[str, str]:
    settings = gateway.settings
    if settings.fee_deducted:
        return "deducted", say("The gateway's fee is taken off what is credited")
    if settings.surcharge_fixed:
        fixed = ", ".join(f"{amount} {code}" for code, amount in settings.surcharge_fixed.items())
        return "fixed", say("Customers pay {fixed} on top", fixed=fixed)
    if settings.surcharge_percent.strip("0."):
        return "percent", say(
            "Customers pay {percent}% on top",
            percent=settings.surcharge_percent,
        )
    return "none", say("None")


def _answers(figures: Figures, who: Identity) -> Answers:
    if not figures.calls:
        return Answers("0", "", "")
    per_mille = (figures.calls - figures.faults) * 1000 // figures.calls
    return Answers(
        calls=formatting.count(figures.calls, who.locale),
        rate=f"{per_mille // 10}.{per_mille % 10}%",
        duration=say(
            "{figure} ms",
            figure=formatting.count(figures.milliseconds // figures.calls, who.locale),
        ),
    )


def _when(at: datetime | None, who: Identity) -> str:
    return formatting.day_and_time(at, who.locale, who.time_zone) if at else ""
