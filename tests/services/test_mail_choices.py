"""What customers choose to be told."""

from dataclasses import replace

import pytest

from payments_app.domain.errors import NotAllowed
from payments_app.domain.mail import CHOSEN_KINDS, MailKind
from payments_app.domain.money import Money
from payments_app.services import mail_choices
from payments_app.services.mail_choices import Choices
from tests.services.conftest import Shop


async def test_without_a_choice_all_is_sent_but_a_low_balance(shop: Shop) -> None:
    kept = await mail_choices.read(shop.portal, shop.who)
    assert kept == Choices(frozenset(CHOSEN_KINDS), None)


async def test_a_choice_is_kept_and_can_be_changed(shop: Shop) -> None:
    for choices in (
        Choices(frozenset({MailKind.REFUND}), Money(2500, "USD")),
        Choices(frozenset(), None),
        Choices(frozenset(CHOSEN_KINDS), Money(1, "USD")),
    ):
        await mail_choices.save(shop.portal, shop.who, choices)
        assert await mail_choices.read(shop.portal, shop.who) == choices


async def test_staff_who_only_look_change_nothing(shop: Shop) -> None:
    viewing = replace(shop.who, read_only=True)
    with pytest.raises(NotAllowed):
        await mail_choices.save(shop.portal, viewing, Choices(frozenset(), None))
