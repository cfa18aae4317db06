"""How the portal logs: lines for people on a desk, JSON in live mode; never a secret."""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from payments_app.gateways.http import scrub
from payments_app.settings import Settings


def configure(settings: Settings) -> None:
    """Send every log line to standard error, with the request that it belongs to."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _without_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_rendering(settings),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def begin(reference: str) -> None:
    """Let whatever this task logs from here on name the request or event that it belongs to."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=reference)


def about(payment: str, gateway: str | None) -> AbstractContextManager[None]:
    """Let what is logged inside the block name a payment, by its reference, and its gateway."""
    return structlog.contextvars.bound_contextvars(payment=payment, gateway=gateway)


def _rendering(settings: Settings) -> list[Any]:
    if settings.live:
        return [
            # Values of variables may be secrets.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(default=str),
        ]
    plain = structlog.dev.plain_traceback  # the default shows the values of variables
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _without_secrets(
    _logger: object, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Redact fields that are named like secrets; messages themselves never hold one."""
    redacted: dict[str, Any] = scrub(entry)
    return redacted
