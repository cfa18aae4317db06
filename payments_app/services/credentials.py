"""Passwords that are chosen: by an invitation, after forgetting one, or by who is logged in."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import accounts, links
from payments_app.db.access_models import EmailLink, Purpose
from payments_app.db.models import User
from payments_app.domain.errors import InvalidRequest, NotFound
from payments_app.services import audit, mail, throttle
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.passwords import (
    check_new_password,
    hash_password,
    verify_password,
)
from payments_app.services.sessions import tell_ended
from payments_app.services.throttle import Limit, count_attempt

_LIFETIMES: Final = {
    Purpose.RESET: timedelta(minutes=30),
    Purpose.INVITATION: timedelta(days=7),
}
_PAGES: Final = {Purpose.RESET: "reset", Purpose.INVITATION: "invite"}
_ACTIONS: Final = {
    Purpose.RESET: "password_reset",
    Purpose.INVITATION: "invitation_accepted",
}
_RESETS_PER_EMAIL: Final = Limit(free=3, longest=timedelta(minutes=30))
_RESETS_PER_ADDRESS: Final = Limit(free=10, longest=timedelta(minutes=30))
_OWN_PASSWORD: Final = Limit(free=5, longest=timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom a link was sent to."""

    email: str
    name: str


async def invite(session: AsyncSession, portal: Portal, user: User) -> str:
    """E-mail a new user the link to choose a password, in the caller's transaction.

    Returns the link, for staff who would rather hand it over themselves.
    """
    link = await _new_link(session, portal, user, Purpose.INVITATION)
    await mail.invitation(session, portal.clock(), user, link)
    return link


async def request_reset(portal: Portal, email: str, address: str) -> None:
    """E-mail a user the link to choose a new password; an unknown address is no error.

    Raises TooManyAttempts, for known and unknown addresses alike.
    """
    email = email.strip().lower()
    limits = {f"reset {email}": _RESETS_PER_EMAIL, f"resets {address}": _RESETS_PER_ADDRESS}
    await count_attempt(portal, limits)
    async with portal.db.write() as session:
        found = await accounts.find_user(session, email)
        if found is None or found[0].disabled_at is not None:
            return
        link = await _new_link(session, portal, found[0], Purpose.RESET)
        await mail.password_reset(session, portal.clock(), found[0], link)
        await audit.record(
            session,
            portal.clock(),
            Actor("someone", address=address),
            "password_reset_requested",
            f"user:{found[0].key}",
        )


async def holder_of(portal: Portal, token: str, purpose: Purpose) -> Invited | None:
    """Return whose link a token opens, None when it opens none (any more)."""
    async with portal.db.read() as session:
        found = await links.find(session, _hash(token), purpose, portal.clock())
    return None if found is None else Invited(found[1].email, found[1].name)


async def choose_password(
    portal: Portal, token: str, purpose: Purpose, password: str, address: str
) -> None:
    """Set the password with a link, which is used up; all sessions of the user end.

    Raises NotFound for a link that opens nothing, InvalidRequest for a poor password.
    """
    invited = await holder_of(portal, token, purpose)
    if invited is None:
        raise NotFound("link")
    check_new_password(password, _known(portal, invited.email, invited.name))
    new_hash = await asyncio.to_thread(hash_password, password)
    now = portal.clock()
    async with portal.db.write() as session:
        found = await links.find(session, _hash(token), purpose, now)
        if found is None:
            raise NotFound("link")
        user = found[1]
        await accounts.set_password_hash(session, user.key, new_hash)
        await links.use_up(session, user.key, now)
        ended = await accounts.revoke_all(session, user.key, now)
        actor = Actor(user.email, user.key, address)
        await audit.record(session, now, actor, _ACTIONS[purpose], f"user:{user.key}")
    await tell_ended(portal, ended)


async def confirm_password(portal: Portal, who: Identity, present: str) -> None:
    """Make sure that who sits there knows the password, before something that locks others out.

    Raises InvalidRequest (field ``present``) and TooManyAttempts.
    """
    key = f"own password {who.user_id}"
    await count_attempt(portal, {key: _OWN_PASSWORD})
    async with portal.db.read() as session:
        user = await session.get_one(User, who.user_id)
    if not await verify_password(user.password_hash, present):
        raise InvalidRequest("present", "wrong")
    async with portal.db.write() as session:
        await throttle.forget(session, key)


async def change_password(
    portal: Portal, who: Identity, present: str, password: str, address: str
) -> None:
    """Set another password for oneself; all other sessions end.

    Raises InvalidRequest (field ``present`` or ``password``) and TooManyAttempts.
    """
    who.require_acting()
    await confirm_password(portal, who, present)
    check_new_password(password, _known(portal, who.email, who.name))
    new_hash = await asyncio.to_thread(hash_password, password)
    now = portal.clock()
    async with portal.db.write() as session:
        await accounts.set_password_hash(session, who.user_id, new_hash)
        await links.use_up(session, who.user_id, now)
        ended = await accounts.revoke_all(session, who.user_id, now, but=who.session_id)
        await audit.record(session, now, Actor.of(who, address), "password_changed", who.subject)
    await tell_ended(portal, ended)


async def _new_link(session: AsyncSession, portal: Portal, user: User, purpose: Purpose) -> str:
    token = secrets.token_urlsafe()
    now = portal.clock()
    session.add(
        EmailLink(
            token_hash=_hash(token),
            user_id=user.key,
            purpose=purpose,
            created_at=now,
            expires_at=now + _LIFETIMES[purpose],
        )
    )
    return f"{portal.settings.public_url}/{_PAGES[purpose]}/{token}"


def _known(portal: Portal, email: str, name: str) -> tuple[str, ...]:
    return (email, email.partition("@")[0], *name.split(), *portal.settings.portal_name.split())


def _hash(token: str) -> bytes:
    # A token has 256 random bits, so that a plain fast hash cannot be searched.
    return hashlib.sha256(token.encode(errors="replace")).digest()
