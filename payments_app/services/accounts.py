"""Logging in, telling who is asking, and logging out."""

import asyncio
import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import structlog

from payments_app.db import accounts
from payments_app.db.accounts import Login
from payments_app.db.models import Account, LoginSession, User
from payments_app.domain.errors import PortalError
from payments_app.domain.payment import STAFF_ROLES, Role
from payments_app.services import audit, mail, second_factor, throttle
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.formatting import DEFAULT_LOCALE, DEFAULT_ZONE
from payments_app.services.identity import Identity
from payments_app.services.passwords import hash_password, needs_rehash, verify_password
from payments_app.services.sessions import session_topic
from payments_app.services.throttle import Limit, count_attempt
from payments_app.settings import Settings

log = structlog.get_logger()

_TOKEN_BYTES: Final = 32
_SEEN_INTERVAL: Final = timedelta(minutes=1)
# An e-mail's brake stays short, or anyone could lock its owner out.
_PER_EMAIL: Final = Limit(free=5, longest=timedelta(minutes=1))
_PER_ADDRESS: Final = Limit(free=20, longest=timedelta(minutes=15))


class CodeNeeded(PortalError):
    """The password is right; a code of the second factor has to come with it.

    ``wrong`` says that one came, but not a right one.
    """

    def __init__(self, *, wrong: bool) -> None:
        super().__init__("wrong code" if wrong else "no code")
        self.wrong = wrong


def session_cookie(settings: Settings) -> str:
    """Return the name of the cookie that holds the session token.

    Over TLS the prefix makes browsers refuse a cookie set by another host or without Secure
    (RFC 6265bis, section 4.1.3.2).
    """
    return "__Host-portal_session" if serves_tls(settings) else "portal_session"


def device_cookie(settings: Settings) -> str:
    """Return the name of the cookie by which a browser is known again."""
    return "__Host-portal_device" if serves_tls(settings) else "portal_device"


def serves_tls(settings: Settings) -> bool:
    """Tell whether browsers reach the portal over TLS."""
    return settings.public_url.startswith("https://")


async def log_in(
    portal: Portal,
    email: str,
    password: str,
    address: str,
    user_agent: str,
    code: str = "",
    device: str = "",
) -> str | None:
    """Start a login session and return its token, or None when the login is wrong.

    ``device`` is the browser's own lasting token; a login from one that the user has not used
    before is told by e-mail.

    A wrong password, an unknown user and a disabled one take the same work and look the same.
    Raises TooManyAttempts, and CodeNeeded for users with a second factor.
    """
    email = email.strip().lower()
    limits = {_email_key(email): _PER_EMAIL, _address_key(address): _PER_ADDRESS}
    await count_attempt(portal, limits)
    async with portal.db.read() as session:
        found = await accounts.find_user(session, email)
    user = found[0] if found else None
    right = await verify_password(user.password_hash if user else None, password)
    if not right or found is None or not _enabled(*found):
        await _note_failure(portal, user, address, "password")
        return None
    await _check_code(portal, found[0], code, address)
    return await _start_session(portal, found[0], password, address, user_agent, device)


async def _check_code(portal: Portal, user: User, code: str, address: str) -> None:
    if user.totp_since is None:
        return
    if not code:
        raise CodeNeeded(wrong=False)
    await second_factor.count_guess(portal, user.key)
    if not await second_factor.accept(portal, user.key, code):
        await _note_failure(portal, user, address, "code")
        raise CodeNeeded(wrong=True)


async def _note_failure(portal: Portal, user: User | None, address: str, what: str) -> None:
    # What was typed stays out of the log: now and then it is a password.
    log.info("login_failed", address=address)
    subject = f"user:{user.key}" if user else "user:unknown"
    async with portal.db.write() as session:
        await audit.record(
            session,
            portal.clock(),
            Actor("someone", address=address),
            "login_failed",
            subject,
            after={"wrong": what},
        )


async def identify(portal: Portal, token: str, *, active: bool = True) -> Identity | None:
    """Return whom a session token stands for, or None when it stands for nobody (any more).

    ``active`` says that the user did something, which keeps the session from ending as idle.
    """
    if not token:
        return None
    now = portal.clock()
    async with portal.db.read(single=True) as session:
        found = await accounts.find_login(session, _hash(token))
    if found is None or _has_ended(found, now, portal.settings):
        return None
    login, user, account = found
    if active and now - login.last_seen_at >= _SEEN_INTERVAL:
        async with portal.db.write() as session:
            await accounts.mark_seen(session, login.key, now)
    return _identity(login, user, account, portal.settings)


async def log_out(portal: Portal, token: str, address: str = "") -> None:
    """End the login session of a token, in its tabs too; an unknown token is no error."""
    who = await identify(portal, token, active=False)
    if who is None:
        return
    now = portal.clock()
    async with portal.db.write() as session:
        await accounts.revoke_logins(session, [who.session_id], now)
        await audit.record(session, now, Actor.of(who, address), "logged_out", who.subject)
    await portal.feed.announce(session_topic(who.session_id))


async def _start_session(
    portal: Portal, user: User, password: str, address: str, user_agent: str, device: str
) -> str:
    now = portal.clock()
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    better_hash = (
        await asyncio.to_thread(hash_password, password)
        if needs_rehash(user.password_hash)
        else None
    )
    login = LoginSession(
        token_hash=_hash(token),
        user_id=user.key,
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(seconds=portal.settings.session_lifetime_seconds),
        address=address[:64],
        user_agent=user_agent[:300],
        device_hash=_hash(device),
    )
    async with portal.db.write() as session:
        if better_hash:
            await accounts.set_password_hash(session, user.key, better_hash)
        for key in (_email_key(user.email), second_factor.code_key(user.key)):
            await throttle.forget(session, key)
        await throttle.take_back(session, _address_key(address))
        is_new = await accounts.is_new_device(session, user.key, _hash(device))
        session.add(login)
        await session.flush()
        if is_new:
            await mail.new_sign_in(session, user, login)
        await audit.record(
            session, now, Actor(user.email, user.key, address), "logged_in", f"user:{user.key}"
        )
    log.info("logged_in", user=user.key, address=address)
    return token


def _hash(token: str) -> bytes:
    # A token has 256 random bits, so that a plain fast hash cannot be searched.
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _email_key(email: str) -> str:
    return f"email {email}"


def _address_key(address: str) -> str:
    return f"address {address}"


def _enabled(user: User, account: Account | None) -> bool:
    own_account = account if user.account_id is not None else None
    return user.disabled_at is None and (own_account is None or own_account.disabled_at is None)


def _has_ended(found: Login, now: datetime, settings: Settings) -> bool:
    login, user, account = found
    idle = timedelta(seconds=settings.session_idle_seconds)
    return (
        login.revoked_at is not None
        or now >= login.expires_at
        or now - login.last_seen_at >= idle
        or not _enabled(user, account)
    )


def _identity(
    login: LoginSession, user: User, account: Account | None, settings: Settings
) -> Identity:
    viewing = user.account_id is None and account is not None
    return Identity(
        user_id=user.key,
        session_id=login.key,
        email=user.email,
        name=user.name,
        role=Role.CUSTOMER if viewing else user.role,
        time_zone=user.time_zone or DEFAULT_ZONE,
        locale=user.locale or DEFAULT_LOCALE,
        account_id=account.key if account else None,
        account_name=account.name if account else "",
        home_currency=account.home_currency if account else "",
        read_only=viewing,
        lacks_second_factor=(
            settings.staff_two_factor and user.role in STAFF_ROLES and user.totp_since is None
        ),
    )
