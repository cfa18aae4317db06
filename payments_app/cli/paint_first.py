"""Let pages be painted before their scripts have come.

A page is complete to look at with its style sheet alone. Its two dozen scripts, asked for at the
same time, would share a slow line with it and hold up the first paint by a second.
"""

from pathlib import Path
from typing import Any, Final

from reflex.plugins import Plugin

_EARLY: Final = '<link rel="modulepreload" href='
_LATER: Final = '<link rel="modulepreload" fetchpriority="low" href='


def let_styles_go_first(static_dir: Path) -> None:
    """Mark what pages load ahead as less urgent than their styles.

    Raises `RuntimeError` when no page loads any script ahead: then pages are built differently.
    """
    pages = {path: path.read_text(encoding="utf-8") for path in static_dir.rglob("*.html")}
    if not any(_EARLY in page for page in pages.values()):
        raise RuntimeError("no page loads its scripts ahead")
    for path, page in pages.items():
        path.write_text(page.replace(_EARLY, _LATER), encoding="utf-8")


class PaintFirst(Plugin):
    """Reflex plugin that changes the pages before they are compressed."""

    def post_build(self, **context: Any) -> None:
        """Rewrite the pages in ``context["static_dir"]``."""
        let_styles_go_first(Path(context["static_dir"]))
