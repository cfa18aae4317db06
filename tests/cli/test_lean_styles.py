"""What of Radix's style sheet is in the build, and how much the first page weighs."""

import re
from pathlib import Path

import pytest

from payments_app.cli.build import ROOT, ensure_built
from payments_app.cli.lean_styles import COLORS
from payments_app.components.look import THEME

_RADIX = ROOT / ".web/node_modules/@radix-ui/themes"
_LIMIT_BYTES = 300 * 1024
_LOOKED_FOR = {"rt-SliderRoot", "rt-SliderThumb"}  # by Reflex, in the forms of any page


@pytest.fixture(scope="module")
def client() -> Path:
    return ensure_built() / "build/client"


def _sources() -> str:
    folders = [ROOT / "assets", *(ROOT / "payments_app" / name for name in ("components", "pages"))]
    files = [path for folder in folders for path in folder.rglob("*.*")]
    return "\n".join(p.read_text() for p in files if p.suffix in {".css", ".js", ".py"})


def test_every_palette_in_use_is_in_the_style_sheet_and_no_other() -> None:
    palettes = {path.stem for path in (_RADIX / "tokens/colors").glob("*.css")}
    sources = _sources()
    used = {name for name in palettes if re.search(rf'--{name}-|"{name}"', sources)}
    theme = str(THEME)
    assert used | {name for name in palettes if f'"{name}"' in theme} == set(COLORS)


def test_no_class_that_the_pages_can_have_lost_its_rules(client: Path) -> None:
    component = re.compile(r"rt-[A-Z]\w*")
    styled = set(component.findall((_RADIX / "components.css").read_text()))
    scripts = "\n".join(path.read_text() for path in (client / "assets").glob("*.js"))
    sheet = "\n".join(path.read_text() for path in (client / "assets").glob("*.css"))
    used = set(component.findall(scripts)) & styled - _LOOKED_FOR
    assert "rt-Button" in used
    assert used <= set(component.findall(sheet))
    assert "rt-SliderRoot" not in sheet
    assert not re.search(r"\.(xs|sm|md|lg|xl)\\:", sheet)


def test_no_component_uses_a_responsive_prop_whose_rules_are_not_built() -> None:
    assert "rx.breakpoints" not in _sources()


def test_the_first_page_weighs_less_than_300_kib(client: Path) -> None:
    page = client / "index.html"
    text = page.read_text()
    linked = set(re.findall(r'href="(/assets/[^"]+)"', text))
    linked |= {"/fonts/inter-latin-wght-normal.woff2", "/index.html"}
    files = [client / name.lstrip("/") for name in linked]
    assert len(files) > 10

    def on_the_wire(path: Path) -> int:
        packed = path.with_name(path.name + ".br")
        return (packed if packed.exists() else path).stat().st_size

    assert sum(map(on_the_wire, files)) < _LIMIT_BYTES
