"""Users as staff manage them: added, disabled, given another role, helped back in.

Finance manages customers, owners manage staff too. Nobody changes the own user here, so that an
owner always remains.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import accounts, directory
from payments_app.db.models import Account, User
from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import STAFF_ROLES, Role
from payments_app.services import audit, credentials, formatting, second_factor
from payments_app.services.audit import Actor
from payments_app.services.catalogues import Told
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.passwords import NOBODYS
from payments_app.services.sessions import tell_ended
from payments_app.services.unmasked import unmasked

ROLES: Final = Told(
    {
        Role.CUSTOMER: later("Customer"),
        Role.VIEWER: later("Viewer"),
        Role.FINANCE: later("Finance"),
        Role.OWNER: later("Owner"),
    }
)


class NewUser(BaseModel):
    """Who is to be invited; it comes from a browser, so it is validated here."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    email: str = Field(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user as text to show. ``state`` is ``invited``, ``active`` or ``disabled``."""

    id: int
    name: str
    email: str
    role: str
    role_label: str
    state: str
    second_factor: bool
    since: str
    is_self: bool


async def users_of(portal: Portal, who: Identity, account_id: int | None) -> tuple[UserRow, ...]:
    """Return the users of an account, or the staff for None."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await directory.users_of(session, account_id)
    return tuple(_row(user, who) for user in found)


async def add(
    portal: Portal, who: Identity, new: NewUser, role: Role, account_id: int | None, address: str
) -> str:
    """Invite a user, a customer of an account or staff; returns the link that was e-mailed.

    Raises InvalidRequest (``email``: ``taken``), NotFound for no account, NotAllowed.
    """
    _require_manager(who, role)
    if (role in STAFF_ROLES) != (account_id is None):
        raise NotAllowed("staff have no account, customers have one")
    user = User(
        email=new.email.lower(),
        name=new.name,
        password_hash=NOBODYS,
        role=role,
        account_id=account_id,
        created_at=portal.clock(),
    )
    try:
        async with portal.db.write() as session:
            await _check_account(session, account_id)
            session.add(user)
            await session.flush()
            link = await credentials.invite(session, portal, user)
            told = {"email": user.email, "role": role.value, "account": account_id}
            await _record(session, portal, who, address, "user_invited", user, after=told)
    except IntegrityError:
        raise InvalidRequest("email", "taken") from None
    return link


async def invite_again(portal: Portal, who: Identity, user_id: int, address: str) -> str:
    """Send a user who has chosen no password yet another link; returns it."""
    async with portal.db.write() as session:
        user = await _managed(session, who, user_id)
        if user.password_hash != NOBODYS:
            raise NotAllowed("the invitation was accepted")
        link = await credentials.invite(session, portal, user)
        await _record(session, portal, who, address, "user_invited", user)
    return link


async def set_disabled(
    portal: Portal, who: Identity, user_id: int, disabled: bool, address: str
) -> None:
    """Keep a user out, in open tabs at once, or let the user in again."""
    now = portal.clock()
    ended: list[int] = []
    async with portal.db.write() as session:
        user = await _managed(session, who, user_id)
        if (user.disabled_at is not None) == disabled:
            return
        user.disabled_at = now if disabled else None
        if disabled:
            ended = await accounts.revoke_all(session, user_id, now)
        action = "user_disabled" if disabled else "user_enabled"
        await _record(session, portal, who, address, action, user)
    await tell_ended(portal, ended)


async def set_role(portal: Portal, who: Identity, user_id: int, role: Role, address: str) -> None:
    """Give a member of staff another role; customers stay customers."""
    _require_manager(who, role)
    async with portal.db.write() as session:
        user = await _managed(session, who, user_id)
        if {user.role, role} - STAFF_ROLES:
            raise NotAllowed("only staff change roles")
        before, user.role = user.role, role
        await _record(
            session,
            portal,
            who,
            address,
            "user_role_changed",
            user,
            before={"role": before.value},
            after={"role": role.value},
        )


async def remove_second_factor(portal: Portal, who: Identity, user_id: int, address: str) -> None:
    """Let a user who lost phone and recovery codes log in with the password alone."""
    async with portal.db.write() as session:
        user = await _managed(session, who, user_id)
        await second_factor.remove(session, user_id)
        await _record(session, portal, who, address, "second_factor_removed", user)


async def _check_account(session: AsyncSession, account_id: int | None) -> None:
    """Refuse users of an account that is not there, or whose personal data was erased."""
    if account_id is None:
        return
    account = await session.get(Account, account_id)
    if account is None:
        raise NotFound(f"account {account_id}")
    if account.erased_at is not None:
        raise NotAllowed(f"account {account_id} was erased")


def _require_manager(who: Identity, role: Role) -> None:
    who.require(Role.OWNER if role in STAFF_ROLES else Role.FINANCE)


async def _managed(session: AsyncSession, who: Identity, user_id: int) -> User:
    """Lock a user whom the asker may manage."""
    who.require(Role.FINANCE)
    if await session.get(User, user_id) is None:
        raise NotFound(f"user {user_id}")
    user = await accounts.lock_user(session, user_id)
    _require_manager(who, user.role)
    await _check_account(session, user.account_id)
    if user.key == who.user_id:
        raise NotAllowed("nobody manages the own user")
    return user


async def _record(
    session: AsyncSession,
    portal: Portal,
    who: Identity,
    address: str,
    action: str,
    user: User,
    **changes: Mapping[str, object],
) -> None:
    await audit.record(
        session, portal.clock(), Actor.of(who, address), action, f"user:{user.key}", **changes
    )


def _row(user: User, who: Identity) -> UserRow:
    state = "invited" if user.password_hash == NOBODYS else "active"
    return UserRow(
        id=user.key,
        name=unmasked(user.name),
        email=unmasked(user.email),
        role=user.role.value,
        role_label=ROLES[user.role],
        state="disabled" if user.disabled_at else state,
        second_factor=user.totp_since is not None,
        since=formatting.day(user.created_at, who.locale, who.time_zone),
        is_self=user.key == who.user_id,
    )
