"""A portal with one gateway in memory, an account and its customer."""

from dataclasses import dataclass, replace

import pytest

from payments_app.db import kept_totals, ledger
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.services import checkout
from payments_app.services.checkout import Progress, TopUp
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from tests.support.clock import Clock
from tests.support.factories import identity_of, make_account, make_user
from tests.support.gateway import Till


@dataclass
class Shop:
    """Everything a test of a service needs at hand."""

    portal: Portal
    till: Till
    who: Identity
    clock: Clock

    async def start(self, minor: int = 5000, key: str = "key-1") -> Progress:
        """Start a top-up in dollars."""
        order = TopUp(gateway="till", amount=Money(minor, "USD"), idempotency_key=key)
        return await checkout.start(self.portal, self.who, order)

    async def payment(self, reference: str) -> Payment:
        """Read a row."""
        async with self.portal.db.read() as session:
            found = await ledger.find_payment(session, reference=reference)
        assert found is not None
        return found

    async def balance(self) -> int:
        """Return the dollar balance in cents, having checked all that is kept against its rows."""
        async with self.portal.db.read() as session:
            assert await ledger.wrong_balances(session) == []
            assert await kept_totals.wrong(session) == []
            return await ledger.balance_of(session, self.who.own_account(), "USD")


@pytest.fixture
async def shop(portal: Portal, clock: Clock) -> Shop:
    """A shop with an open till."""
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    till = Till()
    return Shop(replace(portal, gateways={"till": till}), till, identity_of(user, account), clock)
