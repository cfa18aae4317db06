"""The first paint waits for the styles alone."""

from pathlib import Path

import pytest

from payments_app.cli.paint_first import let_styles_go_first


def test_scripts_that_are_loaded_ahead_give_way_to_the_styles(tmp_path: Path) -> None:
    page = tmp_path / "login" / "index.html"
    page.parent.mkdir()
    page.write_text(
        '<link rel="modulepreload" href="/a.js"/><link href="/a.css" rel="stylesheet"/>'
    )
    (tmp_path / "404.html").write_text("<p>No page")
    let_styles_go_first(tmp_path)
    assert page.read_text() == (
        '<link rel="modulepreload" fetchpriority="low" href="/a.js"/>'
        '<link href="/a.css" rel="stylesheet"/>'
    )


def test_another_kind_of_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>Payments")
    with pytest.raises(RuntimeError, match="no page loads its scripts ahead"):
        let_styles_go_first(tmp_path)
