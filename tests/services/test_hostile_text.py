"""Text that somebody else wrote: kept as given, harmless wherever it is shown."""

import csv
import io
from dataclasses import replace

import pytest
from sqlmodel import select

from payments_app.db.models import Payment
from payments_app.services import exports, receipts, reports, staff_detail, staff_payments
from payments_app.services.context import Portal
from payments_app.services.staff_view import StaffView
from payments_app.services.view import View
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.pdf import pages_of, text_of

HIDDEN = "P\u0430yPal \u202etxet\u200b"
SHOWN = "P⟨U+0430⟩yPal ⟨U+202E⟩txet⟨U+200B⟩"
PDF = "**bold** --u-- ) Tj ET /JS (app.alert(1)) \\ <</Type/Action>> endstream"


@pytest.fixture
async def payment(portal: Portal) -> Payment:
    account = await make_account(portal.db, name=HIDDEN)
    return await make_payment(
        portal.db, account, completed=True, description=HIDDEN, private_note=HIDDEN
    )


async def test_text_is_stored_as_given(portal: Portal, payment: Payment) -> None:
    async with portal.db.read() as session:
        stored = (await session.execute(select(Payment.description))).scalar_one()
    assert stored == HIDDEN


async def test_staff_see_what_is_invisible_and_what_imitates(
    portal: Portal, payment: Payment
) -> None:
    owner = identity_of(await make_user(portal.db))
    (row,) = (await staff_payments.list_page(portal, owner, StaffView(), None)).rows
    assert (row.account, row.description, row.note) == (SHOWN, SHOWN, SHOWN)
    detail = await staff_detail.detail(portal, owner, payment.reference)
    assert (detail.account_name, detail.private_note) == (SHOWN, SHOWN)
    assert detail.row.description == SHOWN


async def test_customers_see_and_download_their_own_words(portal: Portal) -> None:
    account = await make_account(portal.db)
    await make_payment(portal.db, account, completed=True, description=HIDDEN)
    who = identity_of(await make_user(portal.db, account), account)
    page = await reports.list_page(portal, who, View(), None)
    assert [row.description for row in page.rows] == [HIDDEN]
    pieces = [piece async for piece in exports.csv_pieces(portal, who, View())]
    lines = list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"), newline="")))
    assert HIDDEN in lines[1]


async def test_pdf_text_is_text(portal: Portal) -> None:
    """Nothing of it is markup, an operator or an object; what turns the direction is left out."""
    account = await make_account(portal.db, name=f"{PDF} {HIDDEN}")
    user = await make_user(portal.db, account, name=PDF)
    row = await make_payment(portal.db, account, completed=True, description=f"{PDF} {HIDDEN}")
    who = replace(identity_of(user, account), account_name=account.name)
    content = await receipts.receipt_pdf(portal, who, row.reference)
    plain = await receipts.receipt_pdf(
        portal,
        who,
        (await make_payment(portal.db, account, completed=True, description="x")).reference,
    )
    text = " ".join(text_of(content).split())
    assert PDF in text
    assert not set(text) & set("\u202e\u200b")
    assert len(pages_of(content)) == len(pages_of(plain))
    assert b"/JS" not in content
    assert b"/Action" not in content
