"""Names of tabs, by which Reflex keeps a tab's state and sends what its events change.

Pages choose the name themselves, and whoever connects under one is sent what an event that still
runs for it has changed. So a name carries a seal of the login session that it belongs to.
"""

import hmac
import re
import secrets
from typing import Final

_NAME: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{32})")


def new_name(session: str) -> str:
    """Return a fresh name for a tab of the session with this token, empty for nobody's."""
    return _sealed(secrets.token_hex(16), session)


def belongs(name: str, session: str) -> bool:
    """Tell whether this name was given to a tab of that session."""
    parts = _NAME.fullmatch(name)
    return parts is not None and hmac.compare_digest(_sealed(parts[1], session), name)


def _sealed(number: str, session: str) -> str:
    seal = hmac.digest(session.encode(), number.encode(), "sha256")
    return f"{number}-{seal[:16].hex()}"
