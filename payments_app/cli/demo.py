"""Fill an empty database with demo data: ``python -m payments_app.cli.demo``."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.cli import demo_books
from payments_app.cli import demo_history as tale
from payments_app.cli.demo_history import History, Row, Story
from payments_app.db import accounts
from payments_app.db.engine import Database
from payments_app.db.models import Account, Balance, TimelineEntry, User
from payments_app.domain.payment import Reason, Role
from payments_app.sandbox.app import Sandbox
from payments_app.services.passwords import hash_password
from payments_app.settings import Settings
from payments_app.wiring import build_sandbox


@dataclass(frozen=True)
class DemoLogin:
    """A login of the demo data, as the README lists it."""

    role: str
    email: str
    password: str


@dataclass(frozen=True)
class _Company:
    name: str
    time_zone: str
    locale: str
    people: tuple[tuple[str, DemoLogin], ...]
    story: Story


_OWNER: Final = DemoLogin("owner", "owner@northwind.example", "northwind-owner")
_FINANCE: Final = DemoLogin("finance", "finance@northwind.example", "northwind-finance")
_VIEWER: Final = DemoLogin("viewer", "viewer@northwind.example", "northwind-viewer")

_STAFF: Final = ((_OWNER, "Nora Lindt"), (_FINANCE, "Femi Adeyemi"), (_VIEWER, "Victor Hale"))


def _customer(email: str) -> DemoLogin:
    return DemoLogin("customer", email, f"{email.partition('@')[0]}-demo")


_CRYPTO_AND_TRANSFER: Final = (
    (tale.NOWPAYMENTS, None),
    (tale.BANK, Reason.AWAITING_CONFIRMATION),
    (tale.NOWPAYMENTS, Reason.PARTIALLY_PAID),
    (tale.NOWPAYMENTS, None),
)

_COMPANIES: Final = (
    _Company(
        "Brightline Telecom",
        "America/New_York",
        "en_US",
        (
            ("Maria Alvarez", _customer("maria@brightline.example")),
            ("Owen Clark", _customer("owen@brightline.example")),
        ),
        Story(
            currency="USD",
            methods=(tale.CARD, tale.PAYPAL, tale.PAYSTACK, tale.NOWPAYMENTS, tale.BANK),
            package=4900,
            minutes=(800, 2600),
            did=900,
            top_ups=(1500, 2500, 2500, 5000, 6000),
            dialling_code="1719",
            open_ones=_CRYPTO_AND_TRANSFER,
            other_currency=("GBP", 4000),
        ),
    ),
    _Company(
        "Harbour Cloud",
        "Europe/London",
        "en_GB",
        (
            ("Priya Shah", _customer("priya@harbourcloud.example")),
            ("Tom Fletcher", _customer("tom@harbourcloud.example")),
        ),
        Story(
            currency="GBP",
            methods=(tale.CARD, tale.PAYPAL, tale.NOWPAYMENTS, tale.BANK),
            package=3900,
            minutes=(700, 2200),
            did=700,
            top_ups=(1000, 2000, 2500, 4000, 5000),
            dialling_code="4420",
            open_ones=_CRYPTO_AND_TRANSFER,
            other_currency=("USD", 5000),
        ),
    ),
    _Company(
        "Isla Connect",
        "Asia/Manila",
        "en_PH",
        (
            ("Jose Santos", _customer("jose@islaconnect.example")),
            ("Liza Reyes", _customer("liza@islaconnect.example")),
        ),
        Story(
            currency="PHP",
            methods=(tale.GCASH, tale.GRABPAY, tale.PAYMAYA, tale.CARD, tale.PAYPAL),
            package=249900,
            minutes=(40000, 130000),
            did=45000,
            top_ups=(75000, 125000, 125000, 250000, 300000),
            dialling_code="632",
            open_ones=((tale.SEVEN_ELEVEN, None), (tale.CEBUANA, None)),
        ),
    ),
)

DEMO_LOGINS: Final = (
    _OWNER,
    _FINANCE,
    _VIEWER,
    *(login for company in _COMPANIES for _, login in company.people),
)


async def fill(database: Database, today: date, sandbox: Sandbox | None = None) -> bool:
    """Write the demo data in one transaction; returns False when it is there already.

    The sandbox's providers come to know the payments too. One that runs on its own does not.
    """
    async with database.write() as session:
        if await accounts.find_user(session, _OWNER.email):
            return False
        began = datetime.combine(today, time(), UTC) - timedelta(days=tale.DAYS + 1)
        for login, name in _STAFF:
            session.add(_user(login, name, began))
        histories = [
            History(company.story, tuple(login.email for _, login in company.people), today)
            for company in _COMPANIES
        ]
        for history in histories:
            history.tell()
        if sandbox is not None:
            await demo_books.enter(sandbox, [row for told in histories for row in told.rows])
        for company, history in zip(_COMPANIES, histories, strict=True):
            await _add_company(session, company, history, began)
    return True


def _user(login: DemoLogin, name: str, created_at: datetime) -> User:
    return User(
        email=login.email,
        name=name,
        password_hash=hash_password(login.password),
        role=Role(login.role),
        created_at=created_at,
    )


async def _add_company(
    session: AsyncSession, company: _Company, history: History, began: datetime
) -> None:
    account = Account(name=company.name, home_currency=company.story.currency, created_at=began)
    session.add(account)
    await session.flush()
    users = {login.email: _user(login, name, began) for name, login in company.people}
    for user in users.values():
        user.account_id = account.key
        user.time_zone, user.locale = company.time_zone, company.locale
    session.add_all(users.values())
    await session.flush()
    await _add_payments(session, account, users, history.rows)
    session.add_all(
        Balance(account_id=account.key, currency=currency, amount=amount)
        for currency, amount in history.balances.items()
    )


async def _add_payments(
    session: AsyncSession, account: Account, users: dict[str, User], rows: list[Row]
) -> None:
    for row in rows:
        row.payment.account_id = account.key
        starter = users.get(row.timeline[0][2])
        row.payment.user_id = starter.key if starter else None
    # A row that takes another back needs that one's number, so it is stored after all others.
    for linked in (False, True):
        batch = [row for row in rows if (row.parent is not None) is linked]
        for row in batch:
            row.payment.parent_id = row.parent.payment.key if row.parent else None
        session.add_all(row.payment for row in batch)
        await session.flush()
    session.add_all(
        TimelineEntry(payment_id=row.payment.key, at=at, code=code, actor=actor, details=details)
        for row in rows
        for at, code, actor, details in row.timeline
    )


async def _fill_configured(settings: Settings, today: date) -> bool:
    database = Database(settings.database_url)
    try:
        return await fill(database, today, build_sandbox(settings))
    finally:
        await database.close()


def write(day: date) -> bool:
    """Write the demo data into the configured database; returns False when it is there already."""
    settings = Settings()
    if settings.live:
        sys.exit("No demo data in live mode.")
    return asyncio.run(_fill_configured(settings, day))


def main(
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day the history ends.")
    ] = None,
) -> None:
    """Write demo accounts, logins and payments, unless they are there already."""
    written = write((today or datetime.now(UTC)).date())
    print("Demo data written." if written else "The demo data is there already.")


if __name__ == "__main__":
    typer.run(main)
