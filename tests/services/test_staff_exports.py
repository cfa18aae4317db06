"""The staff's CSV: exactly what the filter shows, of all accounts, and only for staff."""

import csv
import io

import pytest

from payments_app.domain.errors import NotAllowed
from payments_app.domain.payment import PaymentStatus
from payments_app.services import staff_exports
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.staff_view import StaffView
from tests.support.factories import identity_of, make_account, make_payment, make_user


async def rows_of(portal: Portal, who: Identity, view: StaffView) -> list[dict[str, str]]:
    text = b"".join([piece async for piece in staff_exports.csv_pieces(portal, who, view)]).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_the_file_holds_what_the_filter_shows_with_private_columns(portal: Portal) -> None:
    acme = await make_account(portal.db, name='=Acme, "Ltd"')
    anna = await make_user(portal.db, acme, email="anna@acme.test")
    brio = await make_account(portal.db, name="Brio", home_currency="JPY")
    await make_payment(
        portal.db, acme, completed=True, fee=102, private_note="a gift", user_id=anna.id
    )
    await make_payment(portal.db, brio, amount=500)
    who = identity_of(await make_user(portal.db))
    rows = await rows_of(portal, who, StaffView())
    assert {(row["Account"], row["Total"], row["Fee"], row["User"]) for row in rows} == {
        ('\'=Acme, "Ltd"', "25.00", "1.02", "anna@acme.test"),
        ("Brio", "500", "", ""),
    }
    (pending,) = await rows_of(portal, who, StaffView(status=(PaymentStatus.PENDING,)))
    assert (pending["Account"], pending["Currency"]) == ("Brio", "JPY")
    (gift,) = await rows_of(portal, who, StaffView(search="gift"))
    assert gift["Private note"] == "a gift"


async def test_customers_cannot_have_it(portal: Portal) -> None:
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db, account), account)
    with pytest.raises(NotAllowed):
        await rows_of(portal, who, StaffView())
