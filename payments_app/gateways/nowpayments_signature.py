"""How NOWPayments signs its messages: HMAC-SHA512 over the JSON with its keys sorted.

https://documenter.getpostman.com/view/7907941/S1a32n38, "Instant Payments Notifications".
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, Final

from payments_app.gateways.http import decoded


def is_signed(key: str, signature: str, body: bytes) -> bool:
    """Return whether the signature (hex) is the key's for this message. Raises ValueError and
    RecursionError for what is no such message."""
    given = signature.lower().encode()
    return bool(key) and any(
        hmac.compare_digest(given, _sign(key, text)) for text in canonical_texts(body)
    )


class _Number(str):
    """A JSON number as the text it was sent as."""

    __slots__ = ()


_AS_SENT: Final = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)


def canonical_texts(body: bytes) -> Iterator[str]:
    """Write a message as NOWPayments may have signed it: keys sorted, no blanks, numbers as sent.

    Its samples disagree on letters outside ASCII (as they are, or escaped) and on lists (as they
    are, or as objects of their indices), so each way is yielded. Raises ValueError.
    """
    message = _AS_SENT.decode(decoded(body))
    for indexed in (False, True):
        for quote in (encode_basestring, encode_basestring_ascii):
            yield _canonical(message, quote, indexed=indexed)


def _canonical(value: Any, quote: Callable[[str], str], *, indexed: bool) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        if not indexed:
            return f"[{','.join([_canonical(item, quote, indexed=False) for item in value])}]"
        # An object keeps its indices in the order of numbers, unlike names.
        pairs = [(str(index), item) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        pairs = sorted(value.items())
    else:
        return json.dumps(value)
    members = [f"{quote(name)}:{_canonical(item, quote, indexed=indexed)}" for name, item in pairs]
    return f"{{{','.join(members)}}}"


def _sign(key: str, text: str) -> bytes:
    return hmac.new(key.encode(), text.encode(), hashlib.sha512).hexdigest().encode()
