"""Make the built front end independent of the address it is served from.

Reflex compiles one absolute back end address into the JavaScript bundle. The portal is built with
a placeholder address, and this plugin replaces it by the page's own origin, so that one build works
on every host, port and scheme.
"""

import re
from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

PLACEHOLDER = "http://portal.invalid"
"""The ``api_url`` of every build; ``.invalid`` can never resolve (RFC 6761, section 6.4)."""

_ADDRESS = re.compile(r"""(["'`])(http|ws)://portal\.invalid""")
_ORIGINS = {"http": "location.origin", "ws": 'location.origin.replace("http","ws")'}
_SOCKET = re.compile(r"""["'`]ws://portal\.invalid/_event""")
# Reflex mends the address under these host names by itself, which loses the port under https.
_MENDED_HOSTS = re.compile(r"""\[\s*(["'`])localhost\1,\s*\1(?:0\.){3}0\1[^]]*\]""")


def _relocate(script: str) -> str:
    script = _ADDRESS.sub(lambda found: f"{_ORIGINS[found[2]]}+{found[1]}", script)
    return _MENDED_HOSTS.sub("[]", script)


def make_portable(static_dir: Path) -> None:
    """Replace the placeholder address in every script below `static_dir`.

    Raises `RuntimeError` unless the bundle has one event socket address and one list of mended
    hosts, and when a placeholder is left over: then this version of Reflex builds differently,
    and the bundle would only work by accident.
    """
    scripts = {path: path.read_text(encoding="utf-8") for path in static_dir.rglob("*.js")}
    for pattern, name in ((_SOCKET, "event socket address"), (_MENDED_HOSTS, "list of hosts")):
        found = sum(len(pattern.findall(script)) for script in scripts.values())
        if found != 1:
            raise RuntimeError(f"expected one {name} in the bundle, found {found}")
    for path, script in scripts.items():
        portable = _relocate(script)
        if "portal.invalid" in portable:
            raise RuntimeError(f"{path.name} uses the placeholder address in an unknown way")
        if portable != script:
            path.write_text(portable, encoding="utf-8")


class PortableBuild(Plugin):
    """Reflex plugin that makes the bundle portable before it is compressed."""

    def post_build(self, **context: Any) -> None:
        """Rewrite the scripts of ``context["static_dir"]``."""
        make_portable(Path(context["static_dir"]))
