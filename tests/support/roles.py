"""One login of each kind, for tests that go through all of them."""

from dataclasses import dataclass
from enum import StrEnum

from payments_app.domain.payment import Role
from payments_app.services import sessions
from payments_app.services.accounts import identify
from payments_app.services.context import Portal
from payments_app.state.gate import Access
from tests.support.factories import make_account, make_user
from tests.support.logins import log_in_as


class Kind(StrEnum):
    """Who may ask: nobody, the roles, and staff who view an account as its customer."""

    NOBODY = "nobody"
    CUSTOMER = "customer"
    VIEWING = "viewing as customer"
    VIEWER = "viewer"
    FINANCE = "finance"
    OWNER = "owner"


STAFF = frozenset({Kind.VIEWER, Kind.FINANCE, Kind.OWNER})
ALLOWED = {
    Access.NOTICE: frozenset(Kind),
    Access.PUBLIC: frozenset(Kind),
    Access.USER: frozenset(Kind) - {Kind.NOBODY},
    Access.CUSTOMER: frozenset({Kind.CUSTOMER, Kind.VIEWING}),
    Access.VIEWER: STAFF,
    Access.FINANCE: frozenset({Kind.FINANCE, Kind.OWNER}),
    Access.OWNER: frozenset({Kind.OWNER}),
}
"""Who may send an event of which access; those who view as a customer only where it reads."""


@dataclass(frozen=True)
class Logins:
    """A session token of each kind; nobody's is empty."""

    tokens: dict[Kind, str]
    account_id: int


async def log_in_each(portal: Portal) -> Logins:
    """Log one user of each kind in."""
    account = await make_account(portal.db)
    tokens = {Kind.NOBODY: ""}
    for role in Role:
        user = await make_user(portal.db, account if role is Role.CUSTOMER else None, role=role)
        tokens[Kind(role.value)] = await log_in_as(portal, user)
    tokens[Kind.VIEWING] = await log_in_as(portal, await make_user(portal.db))
    who = await identify(portal, tokens[Kind.VIEWING])
    assert who is not None
    await sessions.view_as(portal, who, account.key, "")
    return Logins(tokens, account.key)
