"""Let what locks the page behind a dialog obey a strict Content Security Policy.

react-style-singleton writes a ``<style>`` whose text depends on the width of the scroll bar, so no
hash in the policy can name it. Rules that a script adds to an empty sheet need no permission.
"""

import re
from pathlib import Path
from typing import Any, Final

from reflex.plugins import Plugin

_WRITES_TEXT: Final = re.compile(
    r"([\w$]+)\.styleSheet\?\1\.styleSheet\.cssText=([\w$]+)"
    r":\1\.appendChild\(document\.createTextNode\(\2\)\)"
)
# The element joins the document, and gets its sheet, only after this statement.
_ADDS_RULES: Final = (
    r"queueMicrotask(()=>{let $from=new CSSStyleSheet;$from.replaceSync(\2);"
    r"for(let $rule of \1.sheet?$from.cssRules:[])\1.sheet.insertRule($rule.cssText)})"
)


def add_rules_instead_of_text(static_dir: Path) -> None:
    """Change the one script below ``static_dir`` that writes a style as text.

    Raises `RuntimeError` unless there is exactly one: then the package has changed, and what it
    does now needs a look.
    """
    found = 0
    for path in static_dir.rglob("*.js"):
        script = path.read_text(encoding="utf-8")
        changed, count = _WRITES_TEXT.subn(_ADDS_RULES, script)
        if count:
            path.write_text(changed, encoding="utf-8")
        found += count
    if found != 1:
        raise RuntimeError(f"expected one script that writes a style as text, found {found}")


class ScrollLock(Plugin):
    """Reflex plugin that changes the bundle before it is compressed."""

    def post_build(self, **context: Any) -> None:
        """Rewrite the script in ``context["static_dir"]``."""
        add_rules_instead_of_text(Path(context["static_dir"]))
