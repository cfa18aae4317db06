"""The dialogs of statements and notifications, over the whole event pipeline."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from payments_app.db.mail_models import Mail
from payments_app.domain.mail import MailKind
from payments_app.domain.money import Money
from payments_app.services import context, mail_choices, statements
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.state.notifications import NotificationState
from payments_app.state.statement import OTHER_DAYS, StatementState
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


class Tab:
    """One customer's tab."""

    def __init__(self, portal: Portal, pipeline: Pipeline, who: Identity, session: str) -> None:
        self.portal = portal
        self.pipeline = pipeline
        self.who = who
        self._session = session

    async def send(self, event: object) -> None:
        await self.pipeline.send(event, session=self._session)  # type: ignore[arg-type]


@pytest.fixture
async def tab(portal: Portal, pipeline: Pipeline) -> Tab:
    context.install(portal)
    account = await make_account(portal.db)
    user = await make_user(portal.db, account, locale="en_US")
    for month, amount in ((5, 1000), (6, 2000), (7, 4000)):
        at = datetime(2026, month, 1, 9, tzinfo=UTC)
        await make_payment(portal.db, account, completed=True, amount=amount, created_at=at)
    return Tab(portal, pipeline, identity_of(user, account), await log_in_as(portal, user))


async def statement(tab: Tab) -> StatementState:
    state: StatementState = await tab.pipeline.state(StatementState)
    return state


async def test_the_dialog_opens_with_last_month_and_says_what_it_holds(tab: Tab) -> None:
    await tab.send(StatementState.moved(True))
    shown = await statement(tab)
    assert (shown.since, shown.until) == ("2026-06-01", "2026-06-30")
    (line,) = shown.lines
    assert (line.opening, line.rows, line.closing) == ("$10.00", "1", "$30.00")
    assert shown.address == "/statements/statement.pdf?since=2026-06-01&until=2026-06-30"
    await tab.send(StatementState.choose("month"))
    shown = await statement(tab)
    assert (shown.lines[0].opening, shown.lines[0].closing) == ("$30.00", "$70.00")


async def test_senseless_days_give_no_statement(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    await tab.send(StatementState.moved(True))
    await tab.send(StatementState.choose(OTHER_DAYS))
    await tab.send(StatementState.choose_since("2026-08-01"))
    shown = await statement(tab)
    assert (shown.address, shown.fault) == ("", "The first day is after the last.")
    await tab.send(StatementState.choose_since("soon"))
    assert (await statement(tab)).address == ""
    await tab.send(StatementState.send())
    monkeypatch.setattr(statements, "MOST_ROWS", 2)
    await tab.send(StatementState.choose_since(""))
    await tab.send(StatementState.choose_until(""))
    assert "Choose a shorter period" in (await statement(tab)).fault
    async with tab.portal.db.read() as session:
        assert (await session.execute(select(Mail))).all() == []


async def test_the_statement_is_sent_by_email_on_request(tab: Tab) -> None:
    await tab.send(StatementState.moved(True))
    await tab.send(StatementState.send())
    assert (await statement(tab)).told == f"On its way to {tab.who.email}"
    async with tab.portal.db.read() as session:
        mail = (await session.execute(select(Mail))).scalar_one()
    assert (mail.kind, mail.recipient) == (MailKind.STATEMENT, tab.who.email)
    assert mail.data == {"since": "2026-06-01", "until": "2026-06-30"}


async def test_notifications_are_kept_and_a_wrong_limit_is_told_beside_it(tab: Tab) -> None:
    await tab.send(NotificationState.moved(True))
    await tab.send(NotificationState.choose(MailKind.REFUND.value, False))
    await tab.send(NotificationState.choose("nonsense", True))
    await tab.send(NotificationState.type_limit("12.345"))
    await tab.send(NotificationState.save())
    shown = await tab.pipeline.state(NotificationState)
    assert (shown.fault, shown.saved) == ("Use at most 2 decimals.", False)
    await tab.send(NotificationState.type_limit("1,012.50"))
    await tab.send(NotificationState.save())
    assert shown.fault == ""
    kept = await mail_choices.read(tab.portal, tab.who)
    assert kept.kinds == {MailKind.PAYMENT_RECEIVED, MailKind.PAYMENT_FAILED}
    assert kept.low_balance == Money(101250, "USD")
    await tab.send(NotificationState.moved(True))
    shown = await tab.pipeline.state(NotificationState)
    assert (shown.limit, shown.saved) == ("1012.50", False)
