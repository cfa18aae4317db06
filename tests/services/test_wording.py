"""Every reason and status has words."""

import pytest

from payments_app.domain.payment import PaymentStatus, Reason, decline
from payments_app.services import wording


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.DECLINED])
def test_every_reason_is_a_sentence(reason: Reason) -> None:
    assert wording.reason(reason).endswith(".")
    assert wording.reason(f"{reason}:detail") == wording.reason(reason)


def test_every_status_has_its_word() -> None:
    assert [wording.STATUSES[status] for status in PaymentStatus] == [
        "Pending",
        "Completed",
        "Cancelled",
    ]


def test_declines_name_the_cause_only_where_the_customer_can_act() -> None:
    bank = "Your bank declined the card: insufficient funds. Nothing was charged."
    assert wording.reason(decline("insufficient_funds")) == bank
    plain = "The payment was declined. Nothing was charged."
    for code in ("fraudulent", "stolen_card", "no_such_code"):
        assert wording.reason(decline(code)) == plain


def test_no_reason_needs_no_words() -> None:
    assert wording.reason(None) == ""
    assert wording.timeline("refused", gateway="", reason_code="", balance="") == ""
