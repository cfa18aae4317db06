"""Our own references: unique for ever, unguessable, and short enough for every gateway."""

import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 14


def new_reference(prefix: str) -> str:
    """Return ``prefix`` and 14 random characters (70 bits) without I, L, O and U."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
