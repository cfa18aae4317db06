"""Which changes of status are legal."""

from itertools import product

import pytest

from payments_app.domain.errors import IllegalTransition
from payments_app.domain.payment import (
    LINKED_KINDS,
    NEGATIVE_KINDS,
    REVIEW_REASONS,
    STAFF_ROLES,
    PaymentStatus,
    Reason,
    Role,
    check_transition,
    decline,
)

PENDING, COMPLETED, CANCELLED = (
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
)
LEGAL = {(PENDING, COMPLETED), (PENDING, CANCELLED)}


@pytest.mark.parametrize(("current", "target"), [*product(PaymentStatus, PaymentStatus)])
@pytest.mark.parametrize("proved", [False, True])
def test_rule_2_only_the_listed_transitions_are_legal(
    current: PaymentStatus, target: PaymentStatus, proved: bool
) -> None:
    legal = LEGAL | ({(CANCELLED, COMPLETED)} if proved else set())
    if (current, target) in legal:
        check_transition(current, target, money_proved=proved)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(current, target, money_proved=proved)


def test_rule_2_there_are_three_statuses() -> None:
    assert [status.value for status in PaymentStatus] == ["pending", "completed", "cancelled"]


def test_a_decline_carries_the_providers_code() -> None:
    assert decline("expired_card") == "declined:expired_card"


def test_every_linked_kind_takes_money_back() -> None:
    assert LINKED_KINDS < NEGATIVE_KINDS


def test_staff_are_everyone_but_customers() -> None:
    assert set(Role) - {Role.CUSTOMER} == STAFF_ROLES


def test_rule_3_every_mismatch_waits_for_staff() -> None:
    mismatches = {reason for reason in Reason if reason.endswith("_mismatch")}
    assert mismatches < REVIEW_REASONS
