"""Secrets that the portal has to read again, sealed before they are stored.

A key is made of each text in ``SECRET_KEYS``. The first one seals, all of them open: put a new one
in front to change keys, and drop the old one once everything is sealed anew.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet

from payments_app.settings import Settings


def seal(settings: Settings, secret: str) -> str:
    """Return ``secret`` encrypted (Fernet: AES-128-CBC with HMAC-SHA256)."""
    return _keys(settings).encrypt(secret.encode()).decode()


def unseal(settings: Settings, sealed: str) -> str:
    """Return what was sealed; raises ``cryptography.fernet.InvalidToken`` without its key."""
    return _keys(settings).decrypt(sealed.encode()).decode()


def keys_of(settings: Settings) -> list[str]:
    """Return the texts that keys are made of, the one that seals first."""
    texts = map(str.strip, settings.secret_keys.get_secret_value().split(","))
    return [text for text in texts if text]


def _keys(settings: Settings) -> MultiFernet:
    digests = (hashlib.sha256(text.encode()).digest() for text in keys_of(settings))
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
