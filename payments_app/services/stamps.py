"""Texts that only the portal can have written, told by a stamp beside them; and forms' tokens."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

from payments_app.settings import Settings

_LENGTH: Final = 32


def stamp(settings: Settings, text: str) -> str:
    """Return the stamp of ``text``: 32 hex digits (128 bits), made with the first secret key."""
    return next(_stamps(settings, text))


def is_stamped(settings: Settings, text: str, given: str) -> bool:
    """Tell whether ``given`` is the stamp of ``text``, made with any of the secret keys."""
    return any(hmac.compare_digest(own.encode(), given.encode()) for own in _stamps(settings, text))


def form_token(session_token: str) -> str:
    """Return what forms of this login session carry. It leads to no other and not back to it."""
    return _hmac(session_token, "form")


def _stamps(settings: Settings, text: str) -> Iterator[str]:
    for key in settings.secret_keys.get_secret_value().split(","):
        if key.strip():
            yield _hmac(key.strip(), f"stamp {text}")


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:_LENGTH]
