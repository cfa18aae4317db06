"""A payment's statuses, kinds and reasons, and which changes of status are legal."""

from enum import StrEnum
from typing import Final

from payments_app.domain.errors import IllegalTransition


class PaymentStatus(StrEnum):
    """The three statuses a payment can show."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class PaymentKind(StrEnum):
    """What a row on the account is. The sign of its amount follows from it."""

    TOP_UP = "top_up"
    CHARGE = "charge"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    ADJUSTMENT = "adjustment"


NEGATIVE_KINDS: Final = frozenset({PaymentKind.CHARGE, PaymentKind.REFUND, PaymentKind.CHARGEBACK})
"""Kinds that take from the balance; a top-up adds to it and an adjustment may do either."""

LINKED_KINDS: Final = frozenset({PaymentKind.REFUND, PaymentKind.CHARGEBACK})
"""Kinds that always point at the payment they take back."""


class Role(StrEnum):
    """Who a user is: a customer, or staff who see, act on money, or manage."""

    CUSTOMER = "customer"
    VIEWER = "viewer"
    FINANCE = "finance"
    OWNER = "owner"


STAFF_ROLES: Final = frozenset({Role.VIEWER, Role.FINANCE, Role.OWNER})


_RANKS: Final = {Role.CUSTOMER: 0, Role.VIEWER: 1, Role.FINANCE: 2, Role.OWNER: 3}


def includes(role: Role, needed: Role) -> bool:
    """Tell whether a role may do what ``needed``, a staff role, may."""
    return _RANKS[role] >= _RANKS[needed]


class Reason(StrEnum):
    """Why a payment is not Completed, or waits for staff. ``declined`` and ``failed`` carry a
    detail behind a colon (``declined:insufficient_funds``)."""

    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    CANCELLED_BY_STAFF = "cancelled_by_staff"
    REJECTED = "rejected"
    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    REFERENCE_MISMATCH = "reference_mismatch"
    PARTIALLY_PAID = "partially_paid"
    OVERPAID = "overpaid"
    REPEATED_DEPOSIT = "repeated_deposit"
    MORE_ARRIVED = "more_arrived"
    WRONG_ASSET = "wrong_asset"
    PROVIDER_REVIEW = "provider_review"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_OUTCOME = "unknown_outcome"
    PAGE_LOST = "page_lost"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    REFUND_BY_HAND = "refund_by_hand"
    MISSING_AT_GATEWAY = "missing_at_gateway"
    REVERSED = "reversed"
    DISPUTED = "disputed"


REVIEW_REASONS: Final = frozenset(
    {
        Reason.AMOUNT_MISMATCH,
        Reason.CURRENCY_MISMATCH,
        Reason.REFERENCE_MISMATCH,
        Reason.PARTIALLY_PAID,
        Reason.OVERPAID,
        Reason.REPEATED_DEPOSIT,
        Reason.WRONG_ASSET,
        Reason.UNKNOWN_STATUS,
        Reason.UNKNOWN_OUTCOME,
        Reason.AWAITING_CONFIRMATION,
        Reason.REFUND_BY_HAND,
        Reason.MISSING_AT_GATEWAY,
    }
)
"""Reasons with which a payment stands in the staff's review queue."""


def decline(code: str) -> str:
    """Return the reason of a decline with the provider's code (``declined:expired_card``)."""
    return f"{Reason.DECLINED}:{code}"


TRANSITIONS: Final[dict[PaymentStatus, frozenset[PaymentStatus]]] = {
    PaymentStatus.PENDING: frozenset({PaymentStatus.COMPLETED, PaymentStatus.CANCELLED}),
    PaymentStatus.CANCELLED: frozenset({PaymentStatus.COMPLETED}),
    PaymentStatus.COMPLETED: frozenset(),
}


def check_transition(
    current: PaymentStatus, target: PaymentStatus, *, money_proved: bool = False
) -> None:
    """Raise IllegalTransition unless ``current`` may become ``target``.

    A Cancelled payment may only be completed when the gateway proves that money arrived late.
    """
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"{current} -> {target}")
    if current is PaymentStatus.CANCELLED and not money_proved:
        raise IllegalTransition(f"{current} -> {target} without proof of money")
