"""The rewriting of the one script that writes a style as text."""

from pathlib import Path

import pytest

from payments_app.cli.scroll_lock import add_rules_instead_of_text

SCRIPT = (
    "function a(e,t){e.styleSheet?e.styleSheet.cssText=t:e.appendChild(document.createTextNode(t))}"
)


def test_rules_are_added_instead_of_text(tmp_path: Path) -> None:
    script = tmp_path / "a.js"
    script.write_text(SCRIPT)
    add_rules_instead_of_text(tmp_path)
    assert "createTextNode" not in script.read_text()
    assert "$from.replaceSync(t);" in script.read_text()
    assert "e.sheet.insertRule($rule.cssText)" in script.read_text()


@pytest.mark.parametrize("script", ["", SCRIPT * 2])
def test_another_kind_of_bundle_is_refused(tmp_path: Path, script: str) -> None:
    (tmp_path / "a.js").write_text(script)
    with pytest.raises(RuntimeError, match="expected one script"):
        add_rules_instead_of_text(tmp_path)
