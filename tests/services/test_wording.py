"""Every reason and status has words."""

import pytest

from payments_app.domain.languages import ENGLISH, LANGUAGES
from payments_app.domain.payment import PaymentStatus, Reason, decline
from payments_app.services import wording
from payments_app.services.catalogues import speaking


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


def test_a_decline_says_what_to_do_next() -> None:
    assert wording.next_step(decline("insufficient_funds")) == "Try another card or ask your bank."
    assert wording.next_step(decline("invalid_cvc")).startswith("Check what is printed")
    assert wording.next_step(decline("authentication_required")).startswith("Try again and confirm")
    assert wording.next_step(decline("stolen_card")) == "Try another way to pay or ask your bank."
    assert (wording.next_step(Reason.EXPIRED), wording.next_step(None)) == ("", "")


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != ENGLISH])
def test_the_next_step_is_said_in_every_language(language: str) -> None:
    for code in ("insufficient_funds", "invalid_cvc", "authentication_required", "stolen_card"):
        in_english = wording.next_step(decline(code))
        with speaking(language):
            assert wording.next_step(decline(code)) != in_english


def test_no_reason_needs_no_words() -> None:
    assert wording.reason(None) == ""
    assert wording.timeline("refused", gateway="", reason_code="", balance="") == ""
