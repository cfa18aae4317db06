"""Make the built front end independent of the address it is served from.

Reflex compiles one absolute back end address into the JavaScript bundle. The portal is built with
a placeholder address, and this plugin replaces it by the page's own origin, so that one build works
on every host, port and scheme.
"""

from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

PLACEHOLDER = "http://portal.invalid"
"""The ``api_url`` of every build; ``.invalid`` can never resolve (RFC 6761, section 6.4)."""

_SOCKET_PLACEHOLDER = PLACEHOLDER.replace("http", "ws", 1)
_REPLACEMENTS = {
    PLACEHOLDER: "location.origin+{quote}",
    _SOCKET_PLACEHOLDER: 'location.origin.replace("http","ws")+{quote}',
}
_QUOTES = ('"', "'", "`")


def make_portable(static_dir: Path) -> int:
    """Replace the placeholder address in every script below `static_dir`.

    Returns the number of addresses replaced. Raises `RuntimeError` when the address of the event
    socket is not there exactly once, or when a placeholder is left over: then this version of
    Reflex builds differently, and the bundle would only work by accident.
    """
    sockets = replaced = 0
    for script in sorted(static_dir.rglob("*.js")):
        source = text = script.read_text(encoding="utf-8")
        sockets += text.count(f"{_SOCKET_PLACEHOLDER}/_event")
        for address, expression in _REPLACEMENTS.items():
            for quote in _QUOTES:
                replaced += text.count(quote + address)
                text = text.replace(quote + address, expression.format(quote=quote))
        if text != source:
            script.write_text(text, encoding="utf-8")
        if "portal.invalid" in text:
            raise RuntimeError(f"{script.name} uses the placeholder address in an unknown way")
    if sockets != 1:
        raise RuntimeError(f"expected one event socket address in the bundle, found {sockets}")
    return replaced


class PortableBuild(Plugin):
    """Reflex plugin that makes the bundle portable before it is compressed."""

    def post_build(self, **context: Any) -> None:
        """Rewrite the scripts of ``context["static_dir"]``."""
        make_portable(Path(context["static_dir"]))
