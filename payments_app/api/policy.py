"""The Content Security Policy of each page: what the built front end holds, and nothing else.

https://www.w3.org/TR/CSP3/. Inline scripts and styles of the built pages are allowed by their
hashes, so that one which somebody smuggles in does not run.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are no page."""

_CLOSED: Final = "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_FALLBACK: Final = "404"
# Styles that components bring with them and insert at run time.
_COMPONENT_STYLE: Final = re.compile(r"`style`,\{dangerouslySetInnerHTML:\{__html:`([^`\\$]*)`\}")


def source_of(inline: str) -> str:
    """Return the expression that allows an inline script, style or style attribute."""
    return f"'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"


_EMPTY_STYLE: Final = source_of("")
"""An empty ``<style>``: scripts (emotion among them) add their rules to it one by one."""


@dataclass
class _Inline(HTMLParser):
    """Collects what of a page needs permission."""

    scripts: set[str] = field(default_factory=set)
    styles: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._inside: set[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter a script or style without an address; note a style attribute."""
        given = dict(attrs)
        self._inside = {"script": self.scripts, "style": self.styles}.get(tag)
        if "src" in given:
            self._inside = None
        if style := given.get("style"):
            self.attributes.add(source_of(style))

    def handle_data(self, data: str) -> None:
        """Note the text of a script or style."""
        if self._inside is not None:
            self._inside.add(source_of(data))
            self._inside = None


class PagePolicies:
    """The policy of every page of a build, read once from its files."""

    def __init__(self, static_dir: Path) -> None:
        scripts = (path.read_text("utf-8") for path in static_dir.glob("assets/*.js"))
        found = (text for script in scripts for text in _COMPONENT_STYLE.findall(script))
        self._component_styles = {_EMPTY_STYLE, *map(source_of, found)}
        self._pages = {
            _name(str(path.relative_to(static_dir))): _read(path)
            for path in static_dir.rglob("*.html")
        }

    def of(self, path: str, sources: Iterable[Mapping[str, Iterable[str]]], socket: str) -> str:
        """Return the policy for the page at ``path``.

        ``sources`` are what else a page loads, by directive; ``socket`` is the origin of the event
        socket.
        """
        inline = self._pages.get(_name(path)) or self._pages.get(_FALLBACK) or _Inline()
        directives: dict[str, set[str]] = {
            "script-src": {"'self'", *inline.scripts},
            "style-src": {"'self'", *inline.styles, *self._component_styles},
            "style-src-attr": inline.attributes and {"'unsafe-hashes'", *inline.attributes},
            "img-src": {"'self'", "data:"},
            "font-src": {"'self'"},
            "connect-src": {"'self'", socket},
            "frame-src": set(),
        }
        for source in sources:
            for name, places in source.items():
                directives[name] = directives[name] | set(places)
        listed = [" ".join([name, *(sorted(d) or ["'none'"])]) for name, d in directives.items()]
        return "; ".join(["default-src 'none'", *listed, _CLOSED])


def _read(path: Path) -> _Inline:
    inline = _Inline()
    inline.feed(path.read_text("utf-8"))
    return inline


def _name(path: str) -> str:
    """Name a page alike by its file (``staff.html``, ``staff/index.html``) and its address."""
    return path.strip("/").removesuffix(".html").removesuffix("index").strip("/")
