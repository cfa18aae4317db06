"""Build Radix's style sheet with the colours and the components that the pages use.

Whole it has 700 KiB (83 KiB compressed), for 26 colours, 50 components and five screen widths; the
browser can paint nothing before it is read.
"""

from pathlib import Path
from typing import Any, Final

import reflex as rx

COLORS: Final = (
    "amber",
    "cyan",
    "gray",
    "green",
    "indigo",
    "jade",
    "orange",
    "plum",
    "red",
    "slate",
)
"""Palettes that components and style sheets name; a test compares."""

_THEMES: Final = "@radix-ui/themes"
_POSTCSS: Final = Path(__file__).with_name("postcss.config.js")


class LeanStyles(rx.plugins.RadixThemesPlugin):
    """Radix Themes without the palettes and the components that nothing uses."""

    def get_stylesheet_paths(self, **context: Any) -> tuple[str, ...]:
        """Return the parts of Radix's style sheet, in its own order."""
        tokens = (f"{_THEMES}/tokens/colors/{color}.css" for color in COLORS)
        parts = ("components.css", "utilities.css")
        return (
            f"{_THEMES}/tokens/base.css",
            *tokens,
            *(f"{_THEMES}/{part}" for part in parts),
        )

    def get_frontend_dependencies(self, **context: Any) -> tuple[str, ...]:
        """Return nothing: the pages' own imports name the package.

        What is named here Reflex puts into every page whole, for components that a server sends as
        code; ours sends none.
        """
        return ()

    def pre_compile(self, **context: Any) -> None:
        """Let PostCSS drop the rules of unused components."""
        context["add_modify_task"]("postcss.config.js", lambda _: _POSTCSS.read_text("utf-8"))
