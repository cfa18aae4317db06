"""The demo portal at one moment that never passes, so that its pages always look the same.

``python -m tests.browser.screens.server`` serves what the environment names, as the portal does.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from payments_app.cli import serve as real

if TYPE_CHECKING:
    from starlette.types import ASGIApp

KEY: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of every authenticator app, so that its QR code always looks the same."""
NOW: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def application() -> "ASGIApp":
    """ASGI factory of the portal whose clock stands still, and whose new keys are all the same."""
    import pyotp

    from payments_app import wiring

    build = wiring.build_portal
    wiring.build_portal = lambda settings: replace(build(settings), clock=lambda: NOW)
    pyotp.random_base32 = lambda length=32, chars=(): KEY
    return real.application()


if __name__ == "__main__":
    # The server's processes import the factory by the name of its module.
    real.__spec__.name = "tests.browser.screens.server"
    os.environ["SWEEP_INTERVAL_SECONDS"] = "3600"
    real.exit_in_one_line(lambda: real.serve(lambda: None))
