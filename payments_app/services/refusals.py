"""Webhooks that their gateway did not sign: a sample is kept for staff, a flood is only counted."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import TypeAdapter

from payments_app.db import inbox
from payments_app.gateways.http import REDACTED, load_json, scrub
from payments_app.services.context import Portal
from payments_app.services.tally import hour_of

log = structlog.get_logger()

KEPT_PER_HOUR: Final = 20
"""So many refused messages of a gateway each worker writes down in an hour."""

_JSON: Final = TypeAdapter(Any)
_KEPT_FOR: Final = timedelta(days=30)

_COUNTED_TOGETHER: Final = 100
_BODY_LENGTH: Final = 2000
_MOST_HEADERS: Final = 40
_HEADER_LENGTH: Final = 500
_SECRET_HEADERS: Final = frozenset({"cookie", "authorization", "proxy-authorization"})


async def note(
    portal: Portal, code: str, headers: Mapping[str, str], body: bytes, why: str
) -> bool:
    """Keep a refused message; above the hour's share it is counted, with one write for a hundred.

    So a flood of forgeries costs neither disk nor, but for the check itself, time. Returns whether
    something was written.
    """
    now = portal.clock()
    count = portal.refusals.count(code, now)
    if count <= KEPT_PER_HOUR:
        await _store(portal, code, hashlib.sha256(body).hexdigest(), now, why, headers, body)
    elif count % _COUNTED_TOGETHER == 0:
        log.warning("webhooks_refused", gateway=code, count=count, hour=hour_of(now).isoformat())
        event_id = f"more:{hour_of(now).isoformat()}:{portal.worker}"
        await _store(portal, code, event_id, now, f"{count} in this hour", {}, b"{}")
    else:
        return False
    return True


async def _store(
    portal: Portal,
    code: str,
    event_id: str,
    now: datetime,
    why: str,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    row = {
        "gateway": code,
        "event_id": f"refused:{event_id}",
        "kind": "",
        "headers": kept_headers(headers),
        "body": readable(body)[:_BODY_LENGTH],
        "verified": False,
        "outcome": f"refused: {why}"[:100],
        "received_at": now,
        "times_received": 1,
        "attempts": 0,
    }
    async with portal.db.write() as session:
        await inbox.store(session, row)


async def forget_old(portal: Portal) -> None:
    """Delete refused messages that are older than staff need them."""
    async with portal.db.write() as session:
        await inbox.forget_refused(session, portal.clock() - _KEPT_FOR)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to keep of a message: no secrets, nothing endless."""
    return {
        name[:_HEADER_LENGTH]: REDACTED if name in _SECRET_HEADERS else text[:_HEADER_LENGTH]
        for name, text in list(headers.items())[:_MOST_HEADERS]
    }


def readable(body: bytes) -> str:
    """Return the body without secrets and personal data; what is not JSON is kept as its hash."""
    try:
        return str(_JSON.dump_json(scrub(load_json(body))), "utf-8")
    except (ValueError, RecursionError):
        return f"sha256:{hashlib.sha256(body).hexdigest()}"
