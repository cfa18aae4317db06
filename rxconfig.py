"""Reflex configuration: how the front end is built and who may open the event socket."""

import reflex as rx

from payments_app.cli.lean_styles import LeanStyles
from payments_app.cli.portable import PLACEHOLDER, PortableBuild
from payments_app.components.look import THEME
from payments_app.settings import Settings


def allowed_origins(settings: Settings) -> list[str]:
    """Origins whose pages may open the event socket: the portal's own address.

    On a developer's machine localhost and 127.0.0.1 are the same portal.
    """
    own = settings.public_url
    names = ("//localhost", "//127.0.0.1")
    twins = [own.replace(a, b) for a in names for b in names if own.startswith(f"http:{a}:")]
    return sorted({own, *twins})


settings = Settings()
modes = rx.constants.StateManagerMode
config = rx.Config(
    app_name="payments_app",
    api_url=PLACEHOLDER,
    cors_allowed_origins=allowed_origins(settings),
    frontend_compression_formats=["brotli", "gzip"],
    plugins=[LeanStyles(theme=THEME), PortableBuild()],
    disable_plugins=[rx.plugins.SitemapPlugin],
    redis_url=settings.redis_url or None,
    show_built_with_reflex=False,
    state_manager_mode=modes.REDIS if settings.redis_url else modes.MEMORY,
    telemetry_enabled=False,
)
