"""The accounts as staff see and manage them: list, one account, its limits and notes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from payments_app.db import accounts, balances, directory, payments
from payments_app.db.directory import Cursor
from payments_app.db.models import Account
from payments_app.db.payments import Filter, Order
from payments_app.db.staff_models import AccountNote
from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import audit, formatting, reports
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.reports import BalanceLine, Row
from payments_app.services.sessions import tell_ended
from payments_app.services.unmasked import unmasked

PAGE_SIZE: Final = 50
LATEST_PAYMENTS: Final = 10
TOPIC: Final = "accounts"
"""What tabs that show accounts listen for."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the list; ``last_payment`` is empty before the first."""

    id: int
    name: str
    balances: tuple[str, ...]
    last_payment: str
    users: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One page of the list. ``next`` is where the next one starts, None behind the last."""

    rows: tuple[AccountRow, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Note:
    """What a member of staff wrote about an account."""

    id: int
    at: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One account: what its customers see, and what staff know of it besides.

    ``minimum_payment`` and ``debit_limit`` are decimals in the home currency; empty lists of
    ``currencies`` and ``methods`` mean that all are allowed.
    """

    id: int
    name: str
    home_currency: str
    since: str
    disabled: bool
    erased: bool
    balances: tuple[BalanceLine, ...]
    payments: tuple[Row, ...]
    notes: tuple[Note, ...]
    minimum_payment: str
    debit_limit: str
    currencies: tuple[str, ...]
    methods: tuple[str, ...]


class NewAccount(BaseModel):
    """An account to be made; it comes from a browser, so it is validated here."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    home_currency: str = Field(pattern=r"^[A-Z]{3}$")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may do. Amounts are of its home currency; None allows everything."""

    minimum_payment: Money
    debit_limit: Money
    currencies: frozenset[str] | None
    methods: frozenset[str] | None


async def list_page(
    portal: Portal, who: Identity, search: str, after: Cursor | None
) -> AccountPage:
    """Return a page of the accounts, by name."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await directory.page(session, search.strip(), after, PAGE_SIZE + 1)
        shown = found[:PAGE_SIZE]
        amounts = await directory.balances(session, [line.account.key for line in shown])
    rows = tuple(
        AccountRow(
            id=line.account.key,
            name=unmasked(line.account.name),
            balances=_balances(line.account, amounts.get(line.account.key, []), who),
            last_payment=_when(line.last_payment, who),
            users=line.users,
            disabled=line.account.disabled_at is not None,
        )
        for line in shown
    )
    last = shown[-1].account if len(found) > PAGE_SIZE else None
    return AccountPage(rows, (last.name, last.key) if last else None)


async def profile(portal: Portal, who: Identity, account_id: int) -> Profile:
    """Return one account; raises NotFound."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        account = await session.get(Account, account_id)
        if account is None:
            raise NotFound(f"account {account_id}")
        standings = await balances.standings(session, account_id)
        latest = await payments.lines(
            session, Filter(account_id), Order.NEWEST, None, LATEST_PAYMENTS
        )
        notes = await directory.notes(session, account_id)
    reader = replace(who, home_currency=account.home_currency)
    return Profile(
        id=account.key,
        name=unmasked(account.name),
        home_currency=account.home_currency,
        since=formatting.day(account.created_at, who.locale, who.time_zone),
        disabled=account.disabled_at is not None,
        erased=account.erased_at is not None,
        balances=reports.balance_lines(reader, standings),
        payments=tuple(reports.row_of(portal, who, payment) for payment in latest),
        notes=tuple(
            Note(note.key, _when(note.at, who), unmasked(writer.name), unmasked(note.text))
            for note, writer in notes
        ),
        minimum_payment=_decimal(account.minimum_payment, account),
        debit_limit=_decimal(account.debit_limit, account),
        currencies=tuple(account.currencies or ()),
        methods=tuple(account.methods or ()),
    )


async def create(portal: Portal, who: Identity, new: NewAccount, address: str) -> int:
    """Make an account and return its number; raises InvalidRequest for an unknown currency."""
    who.require(Role.FINANCE)
    if new.home_currency not in home_currencies(portal):
        raise InvalidRequest("home_currency", "unknown")
    now = portal.clock()
    account = Account(name=new.name, home_currency=new.home_currency, created_at=now)
    async with portal.db.write() as session:
        session.add(account)
        await session.flush()
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "account_created",
            f"account:{account.key}",
            after=new.model_dump(),
        )
    await portal.feed.announce(TOPIC)
    return account.key


def home_currencies(portal: Portal) -> tuple[str, ...]:
    """Return the currencies that any way to pay takes."""
    offered = (gateway.currencies() for gateway in portal.gateways.values() if gateway.offered)
    return tuple(sorted(frozenset().union(*offered)))


async def set_limits(
    portal: Portal, who: Identity, account_id: int, limits: Limits, address: str
) -> None:
    """Set what an account may do; raises NotFound, CurrencyMismatch and InvalidRequest."""
    who.require(Role.FINANCE)
    async with portal.db.write() as session:
        account = await session.get(Account, account_id, with_for_update=True)
        if account is None:
            raise NotFound(f"account {account_id}")
        for field, amount in (
            ("minimum_payment", limits.minimum_payment),
            ("debit_limit", limits.debit_limit),
        ):
            if amount.currency != account.home_currency or amount.minor < 0:
                raise InvalidRequest(field, "wrong_amount")
        before = _limits(account)
        account.minimum_payment = limits.minimum_payment.minor
        account.debit_limit = limits.debit_limit.minor
        account.currencies = None if limits.currencies is None else sorted(limits.currencies)
        account.methods = None if limits.methods is None else sorted(limits.methods)
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "account_limits_changed",
            f"account:{account_id}",
            before=before,
            after=_limits(account),
        )
    await portal.feed.announce(TOPIC)


async def set_disabled(
    portal: Portal, who: Identity, account_id: int, disabled: bool, address: str
) -> None:
    """Keep all users of an account out, in open tabs at once, or let them in again.

    Raises NotFound, and NotAllowed for one whose personal data was erased: it stays closed.
    """
    who.require(Role.FINANCE)
    now = portal.clock()
    async with portal.db.write() as session:
        account = await session.get(Account, account_id, with_for_update=True)
        if account is None:
            raise NotFound(f"account {account_id}")
        if account.erased_at is not None:
            raise NotAllowed(f"account {account_id} was erased")
        account.disabled_at = now if disabled else None
        open_logins = [
            login.key
            for user in await directory.users_of(session, account_id)
            for login in await accounts.open_logins(session, user.key, now)
        ]
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "account_disabled" if disabled else "account_enabled",
            f"account:{account_id}",
        )
    await tell_ended(portal, open_logins)
    await portal.feed.announce(TOPIC)


async def add_note(portal: Portal, who: Identity, account_id: int, text: str, address: str) -> None:
    """Write something about an account down for other staff; raises InvalidRequest, NotFound."""
    who.require(Role.FINANCE)
    text = text.strip()
    if not text or len(text) > 2000 or "\x00" in text:
        raise InvalidRequest("note", "empty_or_too_long")
    now = portal.clock()
    async with portal.db.write() as session:
        if await session.get(Account, account_id) is None:
            raise NotFound(f"account {account_id}")
        note = AccountNote(account_id=account_id, user_id=who.user_id, at=now, text=text)
        session.add(note)
        await session.flush()
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "account_note_added",
            f"account:{account_id}",
            after={"note": note.key},
        )
    await portal.feed.announce(TOPIC)


def _limits(account: Account) -> dict[str, object]:
    return {
        "minimum_payment": _decimal(account.minimum_payment, account),
        "debit_limit": _decimal(account.debit_limit, account),
        "currencies": account.currencies,
        "methods": account.methods,
    }


def _decimal(minor: int, account: Account) -> str:
    return str(Money(minor, account.home_currency).to_decimal())


def _balances(account: Account, amounts: list[tuple[str, int]], who: Identity) -> tuple[str, ...]:
    home_first = sorted(amounts, key=lambda one: one[0] != account.home_currency)
    return tuple(
        formatting.money(Money(amount, currency), who.locale) for currency, amount in home_first
    ) or (formatting.money(Money(0, account.home_currency), who.locale),)


def _when(at: datetime | None, who: Identity) -> str:
    return "" if at is None else formatting.day_and_time(at, who.locale, who.time_zone)
