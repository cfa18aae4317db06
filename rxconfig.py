"""Reflex configuration: how the front end is built and who may open the event socket."""

import reflex as rx

from payments_app.cli.lean_styles import LeanStyles
from payments_app.cli.paint_first import PaintFirst
from payments_app.cli.portable import PLACEHOLDER, PortableBuild
from payments_app.cli.scroll_lock import ScrollLock
from payments_app.components.look import THEME
from payments_app.settings import Settings

settings = Settings()
modes = rx.constants.StateManagerMode
config = rx.Config(
    app_name="payments_app",
    api_url=PLACEHOLDER,
    cors_allowed_origins=settings.own_origins,
    frontend_compression_formats=["brotli", "gzip"],
    plugins=[LeanStyles(theme=THEME), PortableBuild(), ScrollLock(), PaintFirst()],
    disable_plugins=[rx.plugins.SitemapPlugin],
    redis_url=settings.redis_url or None,
    show_built_with_reflex=False,
    state_manager_mode=modes.REDIS if settings.redis_url else modes.MEMORY,
    telemetry_enabled=False,
)
