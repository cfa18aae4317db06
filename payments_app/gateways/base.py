"""The interface that every gateway fulfils, and the values that cross it.

A gateway only translates: it never saves, and it knows nothing of accounts or balances. A decline
is a result; only faults raise.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.circuit import CircuitState
from payments_app.gateways.errors import InvalidSignature, Unsupported
from payments_app.gateways.http import Client
from payments_app.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom a payment is from, as far as gateways ask. ``address`` is the browser's IP address."""

    name: str
    email: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a gateway needs to start a payment.

    ``reference`` is our own, unique for ever, upper-case ASCII letters and digits, at most 20
    characters; it doubles as the idempotency key. ``charge`` is what the customer pays, positive.
    ``expires_at`` is UTC.
    """

    reference: str
    charge: Money
    description: str
    customer: Customer
    return_url: str
    cancel_url: str
    webhook_url: str
    expires_at: datetime
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentLookup:
    """How to find a payment again at its gateway; ``charge`` is what our row says was asked for.

    ``gateway_reference`` is None when the gateway's answer to the creation never came.
    """

    reference: str
    gateway_reference: str | None
    charge: Money
    created_at: datetime
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the customer's browser to ``url``."""

    url: str


@dataclass(frozen=True, slots=True)
class ConfirmCard:
    """Confirm in the browser with the provider's own card fields. Never stored, never logged."""

    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShowInstructions:
    """Show how to pay elsewhere: ``lines`` are label and value pairs; ``expires_at`` is UTC."""

    reference: str
    text: str
    lines: tuple[tuple[str, str], ...] = ()
    expires_at: datetime | None = None


NextAction = Redirect | ConfirmCard | ShowInstructions


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """What a gateway says of a payment now.

    ``amount`` is what was asked for or paid there, None only while nothing is proved; a Completed
    result always carries it. ``own_reference`` is our reference as the gateway knows it.
    ``capturable`` says that the customer approved and the money waits for our capture.
    ``method_detail`` is what a person calls the means (``Visa ending 4242``). ``declined`` marks an
    attempt that failed though the payment may still be tried again; ``reason`` then tells why.
    ``received`` is what really arrived where that differs from ``amount`` (crypto).
    ``raw`` is the provider's answer, scrubbed.
    """

    status: PaymentStatus
    gateway_reference: str | None
    amount: Money | None = None
    own_reference: str | None = None
    fee: Money | None = None
    reason: str | None = None
    declined: bool = False
    capturable: bool = False
    next_action: NextAction | None = None
    method_detail: str | None = None
    received: Money | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What to give back of a completed payment. ``amount`` is positive, in the charged currency."""

    reference: str
    payment: PaymentLookup
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class RefundResult:
    """What a gateway says of a refund: Pending, Completed (given back) or Cancelled (it failed)."""

    status: PaymentStatus
    gateway_reference: str | None
    amount: Money | None = None
    reason: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """One payment as its gateway lists it; ``at`` is when it began there, or was paid, in UTC.

    A customer's further try may be a payment of its own, so one reference may be listed twice.
    """

    at: datetime
    result: PaymentResult


class Subject(StrEnum):
    """What a webhook is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Takeback:
    """Money taken back outside the portal's own request: a refund, reversal or dispute.

    ``gateway_reference`` is the refund's or dispute's own; ``amount`` is positive. Pending holds,
    Completed debits, Cancelled releases (a dispute won, a refund that failed).
    """

    gateway_reference: str
    amount: Money
    status: PaymentStatus
    own_reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ListedRefund:
    """One refund as its gateway lists it; ``at`` is when it was made there, in UTC.

    ``reference`` is our payment's and ``gateway_reference`` the gateway's; at least one is set.
    """

    at: datetime
    takeback: Takeback
    reference: str | None = None
    gateway_reference: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """One verified webhook, translated.

    ``event_id`` is unique per gateway and the same for each repeat. ``reference`` is our payment's
    and ``gateway_reference`` the gateway's; at least one is set unless ``subject`` is OTHER.
    ``result`` is set only where the signed message itself proves amount and currency; otherwise the
    payment is looked up at the gateway.
    """

    event_id: str
    kind: str
    subject: Subject
    reference: str | None = None
    gateway_reference: str | None = None
    result: PaymentResult | None = None
    takeback: Takeback | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One choice within a gateway (GCash within Paynamics); ``group`` is its heading."""

    code: str
    label: str
    group: str


class Gateway(ABC):
    """One payment provider.

    Class attributes describe it to the pages: ``code`` (stored, in routes), ``label`` (on screen),
    ``icon`` (a Lucide name), ``Settings`` (its own), ``all_currencies`` (what it can take),
    ``channels``, ``collects_card`` (its card fields stand in the dialog), ``checkout_title`` (set
    when it has a dialog and button of its own), ``check_delays`` (seconds between look-ups of a
    Pending payment; the last repeats), ``lifetime_seconds`` (None: the portal's setting),
    ``staff_confirmed`` (no machine ever reports the money; staff do), ``repeat_seconds`` (for how
    long the same reference again surely returns the same payment; None: for ever). ``configured``
    is what the environment says, ``settings`` what counts: that, with the ``overrides`` of owners
    over it.
    """

    code: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    Settings: ClassVar[type[GatewaySettings]]
    all_currencies: ClassVar[frozenset[str]]
    channels: ClassVar[tuple[Channel, ...]] = ()
    collects_card: ClassVar[bool] = False
    checkout_title: ClassVar[str | None] = None
    staff_confirmed: ClassVar[bool] = False
    lifetime_seconds: ClassVar[int | None] = None
    repeat_seconds: ClassVar[int | None] = None
    check_delays: ClassVar[tuple[int, ...]] = (10, 20, 40, 60, 120, 300, 900, 3600)
    required_settings: ClassVar[tuple[str, ...]]
    rolling_settings: ClassVar[tuple[str, ...]] = ()
    """Secrets that take several values, comma separated, while they are replaced."""

    def __init__(self, settings: GatewaySettings, client: Client) -> None:
        self.configured = settings
        self.settings = settings
        self.overrides: dict[str, Any] = {}
        self.client = client

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        await self.client.aclose()

    def missing_settings(self) -> tuple[str, ...]:
        """Return the environment variables that must be set before the gateway can be offered."""
        missing = (name for name in self.required_settings if not getattr(self.settings, name))
        return self.variables(*missing)

    def variables(self, *names: str) -> tuple[str, ...]:
        """Return the environment variables of settings."""
        prefix = self.settings.model_config.get("env_prefix") or ""
        return tuple(f"{prefix}{name}".upper() for name in names)

    @property
    def offered(self) -> bool:
        """Whether customers are offered this gateway: switched on and with all its keys."""
        return self.settings.enabled and not self.missing_settings()

    @property
    def answering(self) -> bool:
        """Whether calls are let through: false after several faults, until its pause is over."""
        return self.client.circuit.state is not CircuitState.OPEN

    def currencies(self) -> frozenset[str]:
        """Return the currencies offered here and now."""
        chosen = self.settings.currencies
        return self.all_currencies if chosen is None else self.all_currencies & chosen

    def minimum(self, currency: str) -> Money | None:
        """Return the least that the gateway takes in one payment, if it has a limit."""
        limit = self.settings.minimum.get(currency)
        return Money.from_decimal(limit, currency) if limit else None

    def maximum(self, currency: str) -> Money | None:
        """Return the most that the gateway takes in one payment, if it has a limit."""
        limit = self.settings.maximum.get(currency)
        return Money.from_decimal(limit, currency) if limit else None

    def browser_scripts(self) -> dict[str, str]:
        """Return public values that the gateway's browser part needs; never a secret."""
        return {}

    def page_sources(self) -> dict[str, tuple[str, ...]]:
        """Return what its browser part loads, as sources by directive of the Content Security
        Policy (``script-src``, ``frame-src``, ``connect-src``)."""
        return {}

    async def probe(self) -> None:
        """Make one call that changes nothing and only works with the right keys.

        Raises GatewayUnavailable, GatewayRejected, and Unsupported where there is nobody to ask.
        """
        raise Unsupported(f"{self.label} has nobody to ask")

    @abstractmethod
    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Start a payment. The same reference again returns the same payment, never a second.

        Raises GatewayUnavailable (the outcome is unknown) or GatewayRejected.
        """

    @abstractmethod
    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Look a payment up without changing it.

        Raises UnknownPayment when the gateway never had it, Unsupported when it cannot be found
        without a gateway reference, GatewayUnavailable, GatewayRejected.
        """

    def list_payments(self, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
        """List the payments that the gateway dates from ``since`` until before ``until``, in UTC.

        Raises Unsupported where the gateway has no such list, GatewayUnavailable, GatewayRejected.
        """
        raise Unsupported(f"{self.label} lists no payments")

    def list_refunds(self, since: datetime, until: datetime) -> AsyncIterator[ListedRefund]:
        """List the refunds that the gateway dates from ``since`` until before ``until``, in UTC.

        Raises Unsupported where the gateway has no such list, GatewayUnavailable, GatewayRejected.
        """
        raise Unsupported(f"{self.label} lists no refunds")

    async def capture_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Take the money that the customer approved; safe to repeat. Only where results are
        ``capturable``."""
        raise Unsupported(f"{self.label} takes the money itself")

    async def cancel_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Void an open payment at the gateway and return what it says now.

        A payment that was paid meanwhile comes back Completed. Raises Unsupported where the
        gateway cannot be told: nothing is charged unless the customer still pays there.
        """
        raise Unsupported(f"{self.label} payments cannot be voided")

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back; the same reference again never gives it twice."""
        raise Unsupported(f"{self.label} refunds are made by hand")

    async def fetch_refund(self, request: RefundRequest, gateway_reference: str) -> RefundResult:
        """Look a refund up."""
        raise Unsupported(f"{self.label} refunds are made by hand")

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify a webhook on its raw bytes and translate it; changes nothing.

        ``headers`` have lower-case names. Raises InvalidSignature.
        """
        raise InvalidSignature(f"{self.label} sends no webhooks")
