"""A user's own login sessions: seen, signed out, and turned to look at an account."""

from dataclasses import dataclass

from payments_app.db import accounts
from payments_app.db.models import Account, LoginSession
from payments_app.domain.errors import NotFound
from payments_app.domain.payment import Role
from payments_app.services import audit, formatting
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.devices import device
from payments_app.services.identity import Identity


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One place where the user is logged in, as text to show."""

    id: int
    device: str
    address: str
    last_seen: str
    started: str
    is_this: bool


def session_topic(session_id: int) -> str:
    """Return the topic of the feed that tells a session's tabs to look whether it still holds."""
    return f"session:{session_id}"


async def own_sessions(portal: Portal, who: Identity) -> tuple[OwnSession, ...]:
    """Return where the user is logged in, the asking session first, then the latest seen."""
    async with portal.db.read() as session:
        found = await accounts.open_logins(session, who.user_id, portal.clock())
    idle = portal.settings.session_idle_seconds
    open_ones = [
        login for login in found if (portal.clock() - login.last_seen_at).total_seconds() < idle
    ]
    shown = [_shown(login, who) for login in open_ones]
    return tuple(sorted(shown, key=lambda one: not one.is_this))


def _shown(login: LoginSession, who: Identity) -> OwnSession:
    return OwnSession(
        id=login.key,
        device=device(login.user_agent),
        address=login.address,
        last_seen=formatting.day_and_time(login.last_seen_at, who.locale, who.time_zone),
        started=formatting.day_and_time(login.created_at, who.locale, who.time_zone),
        is_this=login.key == who.session_id,
    )


async def sign_out(portal: Portal, who: Identity, session_id: int, address: str) -> None:
    """End one of the user's own sessions, in its open tabs at once; raises NotFound."""
    own = {one.id for one in await own_sessions(portal, who)}
    if session_id not in own:
        raise NotFound(f"session {session_id}")
    await _end(portal, Actor.of(who, address), who.user_id, [session_id], "session_ended")


async def sign_out_elsewhere(portal: Portal, who: Identity, address: str) -> None:
    """End all of the user's sessions but the asking one."""
    others = [one.id for one in await own_sessions(portal, who) if not one.is_this]
    await _end(portal, Actor.of(who, address), who.user_id, others, "sessions_ended")


async def tell_ended(portal: Portal, session_ids: list[int]) -> None:
    """Send the open tabs of ended sessions to the login page; call it after the commit."""
    for session_id in session_ids:
        await portal.feed.announce(session_topic(session_id))


async def view_as(portal: Portal, who: Identity, account_id: int, address: str) -> None:
    """Let a member of staff see what an account's customers see, without changing anything.

    Raises NotFound, and NotAllowed for customers.
    """
    who.require(Role.VIEWER)
    async with portal.db.write() as session:
        account = await session.get(Account, account_id)
        if account is None:
            raise NotFound(f"account {account_id}")
        await accounts.set_view(session, who.session_id, account_id)
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "view_as_customer_began",
            f"account:{account_id}",
        )
    await portal.feed.announce(session_topic(who.session_id))


async def stop_viewing(portal: Portal, who: Identity, address: str) -> None:
    """Give a member of staff the own pages back; nothing happens when nothing was viewed."""
    if not who.read_only:
        return
    async with portal.db.write() as session:
        await accounts.set_view(session, who.session_id, None)
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "view_as_customer_ended",
            f"account:{who.account_id}",
        )
    await portal.feed.announce(session_topic(who.session_id))


async def _end(
    portal: Portal, actor: Actor, user_id: int, session_ids: list[int], action: str
) -> None:
    if not session_ids:
        return
    now = portal.clock()
    async with portal.db.write() as session:
        await accounts.revoke_logins(session, session_ids, now)
        await audit.record(
            session, now, actor, action, f"user:{user_id}", after={"sessions": session_ids}
        )
    await tell_ended(portal, session_ids)
