"""Logging in, telling who is asking, and logging out."""

import asyncio
import hashlib
import math
import secrets
from datetime import datetime, timedelta
from typing import Final

import structlog

from payments_app.db import accounts
from payments_app.db.accounts import Login
from payments_app.db.models import Account, LoginSession, User
from payments_app.domain.errors import PortalError
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.passwords import hash_password, needs_rehash, verify_password
from payments_app.services.throttle import Limit
from payments_app.settings import Settings

log = structlog.get_logger()

_TOKEN_BYTES: Final = 32
_SEEN_INTERVAL: Final = timedelta(minutes=1)
# An e-mail's brake stays short, or anyone could lock its owner out.
_PER_EMAIL: Final = Limit(free=5, longest=timedelta(minutes=1))
_PER_ADDRESS: Final = Limit(free=20, longest=timedelta(minutes=15))


class TooManyAttempts(PortalError):
    """Too many failed logins; ``retry_after`` is how many seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


def session_cookie(settings: Settings) -> str:
    """Return the name of the cookie that holds the session token.

    Over TLS the prefix makes browsers refuse a cookie set by another host or without Secure
    (RFC 6265bis, section 4.1.3.2).
    """
    return "__Host-portal_session" if serves_tls(settings) else "portal_session"


def serves_tls(settings: Settings) -> bool:
    """Tell whether browsers reach the portal over TLS."""
    return settings.public_url.startswith("https://")


async def log_in(
    portal: Portal, email: str, password: str, address: str, user_agent: str
) -> str | None:
    """Start a login session and return its token, or None when the login is wrong.

    A wrong password, an unknown user and a disabled one take the same work and look the same.
    Raises TooManyAttempts.
    """
    email = email.strip().lower()
    _count_attempt(portal, email, address)
    async with portal.db.read() as session:
        found = await accounts.find_user(session, email)
    user = found[0] if found else None
    right = await verify_password(user.password_hash if user else None, password)
    if not right or found is None or not _enabled(*found):
        log.info("login_failed", address=address)
        return None
    portal.logins.forget(_email_key(email))
    portal.logins.take_back(_address_key(address))
    return await _start_session(portal, found[0], password, address, user_agent)


async def identify(portal: Portal, token: str, *, active: bool = True) -> Identity | None:
    """Return whom a session token stands for, or None when it stands for nobody (any more).

    ``active`` says that the user did something, which keeps the session from ending as idle.
    """
    if not token:
        return None
    now = portal.clock()
    async with portal.db.read() as session:
        found = await accounts.find_login(session, _hash(token))
    if found is None or _has_ended(found, now, portal.settings):
        return None
    login, user, account = found
    if active and now - login.last_seen_at >= _SEEN_INTERVAL:
        async with portal.db.write() as session:
            await accounts.mark_seen(session, login.key, now)
    return _identity(login, user, account)


async def log_out(portal: Portal, token: str) -> None:
    """End the login session of a token; an unknown token is no error."""
    async with portal.db.write() as session:
        await accounts.revoke(session, _hash(token), portal.clock())


async def _start_session(
    portal: Portal, user: User, password: str, address: str, user_agent: str
) -> str:
    now = portal.clock()
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    better_hash = (
        await asyncio.to_thread(hash_password, password)
        if needs_rehash(user.password_hash)
        else None
    )
    async with portal.db.write() as session:
        if better_hash:
            await accounts.set_password_hash(session, user.key, better_hash)
        session.add(
            LoginSession(
                token_hash=_hash(token),
                user_id=user.key,
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(seconds=portal.settings.session_lifetime_seconds),
                address=address[:64],
                user_agent=user_agent[:300],
            )
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


def _count_attempt(portal: Portal, email: str, address: str) -> None:
    now = portal.clock()
    limits = {_email_key(email): _PER_EMAIL, _address_key(address): _PER_ADDRESS}
    wait = max(portal.logins.wait(key, limit, now) for key, limit in limits.items())
    if wait > timedelta():
        raise TooManyAttempts(math.ceil(wait.total_seconds()))
    for key in limits:
        portal.logins.count(key, now)


def _enabled(user: User, account: Account | None) -> bool:
    return user.disabled_at is None and (account is None or account.disabled_at is None)


def _has_ended(found: Login, now: datetime, settings: Settings) -> bool:
    login, user, account = found
    idle = timedelta(seconds=settings.session_idle_seconds)
    return (
        login.revoked_at is not None
        or now >= login.expires_at
        or now - login.last_seen_at >= idle
        or not _enabled(user, account)
    )


def _identity(login: LoginSession, user: User, account: Account | None) -> Identity:
    return Identity(
        user_id=user.key,
        session_id=login.key,
        email=user.email,
        name=user.name,
        role=user.role,
        time_zone=user.time_zone,
        locale=user.locale,
        account_id=user.account_id,
        account_name=account.name if account else "",
        home_currency=account.home_currency if account else "",
    )
