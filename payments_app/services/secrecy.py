"""What nobody is shown of webhooks and the audit log: secrets, by their names, and card numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from payments_app.gateways.http import REDACTED

_PARTS: Final = (
    "authorization", "cookie", "api-key", "apikey", "token", "secret", "password", "access-code",
    "auth-code", "cvc", "cvv",
)  # fmt: skip
_CARD: Final = re.compile(r"(?<![\w.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w.-])")
"""Digits as long as a card's number, as it begins (ISO/IEC 7812)."""
_FIELD: Final = re.compile(r"(^|&)([^=&]*)=([^&]*)")
_NINE: Final = 9


def is_secret(name: str) -> bool:
    """Tell whether a field or header of this name holds a secret."""
    plain = name.lower().replace("_", "-")
    return any(part in plain for part in _PARTS)


def without_secrets(value: Any) -> Any:
    """Return a copy of JSON without what is named like a secret, and texts without card numbers."""
    if isinstance(value, str):
        return without_cards(value)
    if isinstance(value, Mapping):
        return {
            name: REDACTED if is_secret(name) and item else without_secrets(item)
            for name, item in value.items()
        }
    return [without_secrets(item) for item in value] if isinstance(value, Sequence) else value


def form_without_secrets(text: str) -> str:
    """Return the same of a form's fields, or of any other text that is no JSON."""

    def shown(field: re.Match[str]) -> str:
        value = REDACTED if is_secret(field[2]) and field[3] else field[3]
        return f"{field[1]}{field[2]}={value}"

    return without_cards(_FIELD.sub(shown, text))


def without_cards(text: str) -> str:
    """Return text in which of card numbers only the last four digits are left."""
    return _CARD.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    digits = re.sub("[ -]", "", found[0])
    return f"{REDACTED}{digits[-4:]}" if _luhn(digits) else found[0]


def _luhn(digits: str) -> bool:
    """Check the check digit (ISO/IEC 7812-1, annex B)."""
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum(two - _NINE * (two > _NINE) for two in doubled)) % 10 == 0
