"""Our own references: unique for ever, unguessable, and short enough for every gateway."""

import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 14
_TOP_UP: Final = "P"
_TOP_UP_LENGTH: Final = 16


def new_reference(prefix: str) -> str:
    """Return ``prefix`` and 14 random characters (70 bits) without I, L, O and U."""
    return prefix + _random(_LENGTH)


def top_up_reference(account_id: int) -> str:
    """Return the reference of a new top-up, in which its account can be read.

    The gateway keeps it, so a payment that a restored database does not know finds its account.
    ``P``, how many digits the account has, the digits, then random characters to 16 in all.
    """
    digits = ""
    while account_id:
        account_id, digit = divmod(account_id, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    head = f"{_TOP_UP}{_ALPHABET[len(digits)]}{digits}"
    return head + _random(_TOP_UP_LENGTH - len(head))


def account_of(reference: str) -> int | None:
    """Return the account that a top-up's reference names; None for any other text."""
    if len(reference) != _TOP_UP_LENGTH or set(reference) - set(_ALPHABET):
        return None
    kind, length, rest = reference[0], _ALPHABET.index(reference[1]), reference[2:]
    if kind != _TOP_UP or not 0 < length < len(rest):
        return None
    account_id = 0
    for digit in rest[:length]:
        account_id = account_id * len(_ALPHABET) + _ALPHABET.index(digit)
    return account_id


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
