"""The staff's view in the address: it says the same when read again, and nothing breaks it."""

from datetime import date
from decimal import Decimal

import pytest

from payments_app.domain.payment import PaymentStatus
from payments_app.services.staff_view import StaffView
from tests.support.factories import identity_of, make_user


def test_an_address_says_the_whole_view() -> None:
    view = StaffView(
        search="a & b, c",
        since=date(2026, 1, 2),
        status=(PaymentStatus.PENDING, PaymentStatus.CANCELLED),
        method=("till", "none"),
        currency=("USD", "PHP"),
        account=(3, 12),
        least=Decimal("-12.50"),
    )
    assert StaffView.from_query(view.query()) == view
    assert StaffView().query() == ""


@pytest.mark.parametrize(
    "query",
    ["status=paid", "since=soon", "least=NaN", "account=x", "currency=usd", "order=", "x=1", "%00"],
)
def test_what_makes_no_sense_is_left_out_and_the_rest_holds(query: str) -> None:
    assert StaffView.from_query(f"{query}&search=kept") == StaffView(search="kept")


def test_a_value_is_put_in_and_taken_out() -> None:
    view = StaffView().toggled("status", "pending").toggled("account", "7")
    assert (view.status, view.account) == ((PaymentStatus.PENDING,), (7,))
    assert view.toggled("account", "7").account == ()
    with pytest.raises(KeyError):
        view.toggled("order", "newest")


async def test_amounts_are_exact_and_days_are_the_users(portal) -> None:
    who = identity_of(await make_user(portal.db, time_zone="Asia/Manila"))
    chosen = StaffView(until=date(2026, 7, 1), most=Decimal("0.1")).filter(who)
    assert chosen.most == 100
    assert chosen.until is not None
    assert chosen.until.isoformat() == "2026-07-02T00:00:00+08:00"
