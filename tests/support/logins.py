"""Login sessions for tests, without the cost of a password."""

import hashlib
import secrets
from datetime import timedelta
from functools import cache
from typing import Any

from payments_app.db.models import User
from payments_app.services import passwords
from payments_app.services.context import Portal
from payments_app.services.stamps import form_token
from tests.support.factories import make_session

hash_password = cache(passwords.hash_password)
"""The hash that a user of a test has for a password, made once."""


async def log_in_as(portal: Portal, user: User, **columns: Any) -> str:
    """Start a login session at the portal's present time and return its token."""
    token = secrets.token_urlsafe()
    now = portal.clock()
    await make_session(
        portal.db,
        user,
        token_hash=hashlib.sha256(token.encode()).digest(),
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(seconds=portal.settings.session_lifetime_seconds),
        **columns,
    )
    return token


def own_form(token: str) -> dict[str, str]:
    """Return the fields that every form of this login session carries."""
    return {"form_token": form_token(token)}
