"""Rule 9 without its filters: PostgreSQL itself keeps other accounts' rows from a customer.

Before each statement reaches the database, its comparison with the own account is taken out.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import MultipleResultsFound

from payments_app.db.engine import Database
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.services import (
    balance_story,
    checkout,
    exports,
    offers,
    receipts,
    reports,
    statements,
)
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.statements import Period
from payments_app.services.view import View
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.gateway import Till

_VALUE = r"(\$\d+::BIGINT|\d+)"
FILTER = re.compile(
    r"\b(?:(?:payment|payment_total|balance)\.account_id|account\.id)"
    rf" (?:= {_VALUE}|IN \({_VALUE}\))"
)
Read = Callable[[Portal, Identity], Awaitable[Any]]


@contextmanager
def no_filters(database: Database) -> Iterator[list[str]]:
    """Take the account's filter out of every statement; gives the statements that had one."""
    changed: list[str] = []

    def rewrite(statement: str) -> str:
        without, times = FILTER.subn(
            lambda found: f"({found[1] or found[2]} is not null)", statement
        )
        changed.extend([without] * bool(times))
        return without

    def before(_c: object, _u: object, statement: str, parameters: Any, *_: Any) -> Any:
        return rewrite(statement), parameters

    copy = asyncpg.Connection.copy_from_query

    def copied(connection: Any, query: str, *args: Any, **options: Any) -> Any:
        return copy(connection, rewrite(query), *args, **options)

    event.listen(database.engine.sync_engine, "before_cursor_execute", before, retval=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncpg.Connection, "copy_from_query", copied)
        try:
            yield changed
        finally:
            event.remove(database.engine.sync_engine, "before_cursor_execute", before)


async def csv(portal: Portal, who: Identity) -> list[bytes]:
    return [piece async for piece in exports.csv_pieces(portal, who, View())]


READS: dict[str, Read] = {
    "list": lambda portal, who: reports.list_page(portal, who, View(), None),
    "filtered": lambda portal, who: reports.list_page(
        portal, who, View(status=PaymentStatus.COMPLETED), None
    ),
    "text": lambda portal, who: reports.list_page(portal, who, View(search="di"), None),
    "summary": lambda portal, who: reports.summary(portal, who, View()),
    "csv": csv,
    "statement": lambda portal, who: statements.summary(portal, who, Period()),
    "story": lambda portal, who: balance_story.story(portal, who, "USD", "12months"),
    "open": lambda portal, who: checkout.open_attempts(portal, who, Money(700, "USD")),
    "quote": lambda portal, who: offers.quote(portal, who, "till", Money(700, "USD")),
    "offers": offers.offers,
}
BY_REFERENCE: tuple[Callable[[Portal, Identity, str], Awaitable[Any]], ...] = (
    reports.detail,
    receipts.read,
    checkout.progress,
    checkout.check,
    checkout.cancel,
    checkout.credit_arrived,
)
HISTORIES = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([PaymentKind.TOP_UP, PaymentKind.CHARGE]),
        st.sampled_from([PaymentStatus.COMPLETED, PaymentStatus.PENDING]),
        st.sampled_from([700, 1900]),
        st.sampled_from(["USD", "GBP"]),
    ),
    max_size=8,
)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """PostgreSQL alone."""
    database = Database(postgres_url)
    yield database
    await database.close()


@pytest.fixture
def shop(portal: Portal) -> Portal:
    """A portal with an open till."""
    return replace(portal, gateways={"till": Till()})


async def customers(portal: Portal, history: list[Any]) -> tuple[Identity, Identity]:
    """Make two customers; a history says for each row whether it is the second one's."""
    accounts = [await make_account(portal.db), await make_account(portal.db)]
    for number, (others, kind, status, amount, currency) in enumerate(history):
        await make_payment(
            portal.db,
            accounts[others],
            completed=status is PaymentStatus.COMPLETED,
            kind=kind,
            amount=-amount if kind is PaymentKind.CHARGE else amount,
            currency=currency,
            gateway="till",
            reference=f"P{accounts[0].key}N{number}{'THEIRS' if others else 'OWN'}",
            description=f"DID pack {number}",
        )
    users = [await make_user(portal.db, account) for account in accounts]
    own, theirs = map(identity_of, users, accounts)
    return own, theirs


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=HISTORIES)
async def test_rule_9_holds_for_every_read_whose_filter_was_forgotten(
    shop: Portal, history: list[Any]
) -> None:
    own, _ = await customers(shop, history)
    for name, read in READS.items():
        expected = await read(shop, own)
        with no_filters(shop.db) as changed:
            assert await read(shop, own) == expected, name
        assert changed, f"{name} filters by the account, and the test takes that out"
    found = await reports.list_page(shop, own, View(search="pack"), None)  # by the index
    assert all("OWN" in row.reference for row in found.rows)
    assert len(found.rows) == len([row for row in history if not row[0]])


@pytest.mark.parametrize("name", READS)
async def test_without_filters_a_plain_session_would_show_others(
    shop: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the test above can fail."""
    monkeypatch.setattr(
        Portal, "read_as", lambda portal, _, snapshot=False: portal.db.read(snapshot=snapshot)
    )
    top_up = (True, PaymentKind.TOP_UP, PaymentStatus.COMPLETED, 700, "USD")
    waiting = (True, PaymentKind.TOP_UP, PaymentStatus.PENDING, 700, "USD")
    own, _ = await customers(shop, [top_up, waiting])
    expected = await READS[name](shop, own)
    with no_filters(shop.db), pytest.raises((AssertionError, NotFound, MultipleResultsFound)):
        assert await READS[name](shop, own) == expected


async def test_a_foreign_reference_is_of_nobody(shop: Portal) -> None:
    top_up = (True, PaymentKind.TOP_UP, PaymentStatus.COMPLETED, 700, "USD")
    waiting = (True, PaymentKind.TOP_UP, PaymentStatus.PENDING, 700, "USD")
    own, theirs = await customers(shop, [top_up, waiting])
    listed = await reports.list_page(shop, theirs, View(), None)
    with no_filters(shop.db):
        for row in listed.rows:
            for read in BY_REFERENCE:
                with pytest.raises(NotFound):
                    await read(shop, own, row.reference)


def test_services_for_customers_open_no_other_session() -> None:
    """Whatever knows of the own account reads as its customer."""
    folder = Path(checkout.__file__).parent
    scripts = {script.stem: script.read_text() for script in folder.glob("*.py")}
    own = {name for name, script in scripts.items() if "own_account()" in script}
    assert {"reports", "checkout", "offers", "receipts", "statements", "balance_story"} <= own
    assert [name for name in own if "db.read(" in scripts[name] and name != "context"] == []
    assert "portal.read_as(who" in scripts["exports"]
