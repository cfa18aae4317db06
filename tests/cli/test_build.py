"""When the front end is built, and what is in the build."""

import json
import subprocess
from pathlib import Path

import pytest

from payments_app.cli import build


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project whose digest can be changed."""
    for folder in ("assets/external", "reflex.lock", "payments_app/pages", "payments_app/sandbox"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "rxconfig.py").write_text("")
    (tmp_path / "payments_app/pages/list.py").write_text("a")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("payments_app/pages/list.py", True),
        ("payments_app/pages/new.py", True),
        ("assets/logo.svg", True),
        ("reflex.lock/package-lock.json", True),
        ("rxconfig.py", True),
        ("assets/external/link.js", False),
        ("payments_app/sandbox/card.py", False),
        ("README.md", False),
    ],
)
def test_only_sources_of_the_front_end_change_the_digest(
    copy: Path, path: str, matters: bool
) -> None:
    before = build.digest()
    (copy / path).write_text('["b"]')
    assert (build.digest() != before) is matters


def test_the_order_of_keys_in_the_lock_file_does_not_matter(copy: Path) -> None:
    lock = copy / "reflex.lock/package.json"
    lock.write_text('{"name": "reflex", "overrides": {}}')
    before = build.digest()
    lock.write_text('{"overrides": {}, "name": "reflex"}')
    assert build.digest() == before


def test_a_build_is_made_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports: list[str] = []

    def export() -> None:
        exports.append("made")
        for part in ("build/client", "backend"):
            (copy / ".web" / part).mkdir(parents=True, exist_ok=True)
        (copy / ".web/build/client/index.html").write_text("page")
        (copy / ".web/routes.json").write_text("[]")

    monkeypatch.setattr(build, "BUILDS", copy / ".build")
    monkeypatch.setattr(build, "_WEB", copy / ".web")
    monkeypatch.setattr(build, "_export", export)
    first = build.ensure_built()
    assert build.ensure_built() == first
    assert (first / "build/client/index.html").read_text() == "page"
    assert exports == ["made"]
    for content in "cdef":
        (copy / "rxconfig.py").write_text(content)
        build.ensure_built()
    assert len(exports) == 5
    assert sum(path.is_dir() for path in (copy / ".build").iterdir()) == 3
    assert not first.exists()


def test_the_bundle_holds_no_address_and_nothing_private() -> None:
    client = build.ensure_built() / "build/client"
    texts = [p.read_text() for p in client.rglob("*") if p.suffix in {".js", ".html", ".css"}]
    assert texts
    for forbidden in ("portal.invalid", "localhost:", "127.0.0.1", str(build.ROOT), "sqlite+"):
        assert not [text for text in texts if forbidden in text], forbidden


def test_scripts_are_compressed_after_they_were_rewritten() -> None:
    client = build.ensure_built() / "build/client"
    script = next(p for p in client.rglob("*.js") if "location.origin" in p.read_text())
    answer = subprocess.run(
        ["gzip", "--decompress", "--stdout", f"{script}.gz"], capture_output=True, check=True
    )
    assert answer.stdout == script.read_bytes()
    assert script.with_name(script.name + ".br").exists()


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((build.ROOT / "reflex.lock/package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_npm_is_the_virtual_environments_own() -> None:
    environment = build.toolchain_environment()
    answer = subprocess.run(
        ["sh", "-c", "command -v npm"], env=environment, capture_output=True, text=True, check=True
    )
    assert Path(answer.stdout.strip()).parent == Path(build.sys.executable).parent
