"""How Paynamics signs: SHA-512 over a list of fields joined without separators, then the key.

The lists are those on which public integrations agree. Fields that are not sent count as empty.
Joined fields could be cut elsewhere and hash alike, so nothing but the reference is taken from a
notification, and that is looked up.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

from payments_app.gateways.http import load_json

TRANSACTION: Final = (
    "request_id", "notification_url", "response_url", "cancel_url", "pmethod", "payment_action",
    "schedule", "collection_method", "deferred_period", "deferred_time", "dp_balance_info",
    "amount", "currency", "descriptor_note", "payment_notification_status",
    "payment_notification_channel",
)  # fmt: skip
CUSTOMER: Final = ("fname", "lname", "mname", "email", "phone", "mobile", "dob")
QUERY: Final = ("request_id", "org_trxid", "org_trxid2")
CANCEL: Final = ("request_id", "org_request_id", "ip_address", "notification_url", "response_url")
NOTIFICATION: Final = (
    "request_id", "response_id", "gateway_id", "response_code", "response_message",
    "response_advise", "timestamp", "processor_response_id", "processor_response_authcode",
    "pay_reference",
)  # fmt: skip

_WRAPPERS: Final = ("response", "data", "transaction", "paymentresponse")
_DEEPEST: Final = 4
_WELL_FORMED: Final = {
    "request_id": re.compile(r"[A-Za-z0-9_-]{1,23}"),
    "response_id": re.compile(r"\w{0,40}"),
    "response_code": re.compile(r"\w{1,20}"),
}


def sign(names: tuple[str, ...], fields: Mapping[str, Any], key: str, merchant_id: str = "") -> str:
    """Return the signature (hex) of the named fields. All but the customer's begin with the
    merchant's id, whether it is sent or not."""
    values = (str(fields.get(name) or "") for name in names)
    return hashlib.sha512(f"{merchant_id}{''.join(values)}{key}".encode()).hexdigest()


def read_notification(body: bytes, key: str, merchant_id: str) -> Mapping[str, Any]:
    """Return the fields of a notification to this merchant. Raises ValueError for any other body,
    and RecursionError."""
    fields = _unwrap(body.decode())
    if not key or fields.get("merchant_id", merchant_id) != merchant_id:
        raise ValueError("another merchant's")
    given = str(fields.get("signature")).lower().encode()
    if not hmac.compare_digest(given, sign(NOTIFICATION, fields, key, merchant_id).encode()):
        raise ValueError("signature does not match")
    for name, shape in _WELL_FORMED.items():
        if not shape.fullmatch(str(fields.get(name) or "")):
            raise ValueError(f"odd {name}")
    return fields


def _unwrap(text: str) -> Mapping[str, Any]:
    """Find the fields in JSON, in a member of it, or in hex or base64 of either: one integration
    prepares for each."""
    value: Any = text
    for _ in range(_DEEPEST):
        if isinstance(value, str):
            value = _decode(value)
        if not isinstance(value, dict):
            break
        if "signature" in value:
            return value
        value = next((value[name] for name in _WRAPPERS if name in value), None)
    raise ValueError("no notification")


def _decode(text: str) -> Any:
    """Read JSON, or what hex or base64 hide. Raises ValueError."""
    stripped = text.strip()
    if stripped.startswith(("{", "[")):
        return load_json(stripped)
    try:
        return load_json(bytes.fromhex(stripped))
    except ValueError:
        # A form turns the plus of base64 into a blank.
        try:
            return load_json(base64.b64decode(stripped.replace(" ", "+"), validate=True))
        except binascii.Error as error:
            raise ValueError("neither JSON nor hex nor base64") from error
