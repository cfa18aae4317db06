"""The project as a whole: its layout, its rooms, its pins and its documents."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.sharing import TOGETHER

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "payments_app"
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/operations.md"]

BELOW = {
    "domain": set(),
    "db": {"domain"},
    "gateways": {"domain"},
    "services": {"gateways", "db", "domain"},
    "api": {"services", "gateways", "db", "domain"},
    "state": {"api", "services", "gateways", "db", "domain"},
    "components": {"state", "api", "services", "gateways", "db", "domain"},
    "pages": {"components", "state", "api", "services", "gateways", "db", "domain"},
    "sandbox": {"domain"},
}
"""The staircase: what each room may import besides itself and the settings."""


def tracked() -> list[Path]:
    """Every file that belongs to the project."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def tracked_files() -> list[Path]:
    """Every text file that belongs to the project."""
    return [path for path in tracked() if path.suffix not in {".webp", ".ico", ".woff2", ".ttf"}]


def imported_modules(script: Path) -> Iterator[str]:
    """Full names of the modules that a script imports anywhere in its text."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", BELOW)
def test_rooms_import_only_what_is_below_them(room: str) -> None:
    allowed = BELOW[room] | {room, "settings"}
    scripts = list((PACKAGE / room).rglob("*.py"))
    assert scripts
    wrong = [
        f"{script.relative_to(ROOT)} imports {module}"
        for script in scripts
        for module in imported_modules(script)
        if module.startswith("payments_app.") and module.split(".")[1] not in allowed
    ]
    assert not wrong


def test_the_domain_needs_nothing_but_python() -> None:
    modules = {
        module.split(".")[0]
        for script in (PACKAGE / "domain").rglob("*.py")
        for module in imported_modules(script)
    }
    assert modules - set(sys.stdlib_module_names) <= {"payments_app"}


def test_settings_import_no_room() -> None:
    assert not [
        module
        for module in imported_modules(PACKAGE / "settings.py")
        if module.startswith("payments_app")
    ]


@pytest.mark.parametrize("path", [*DOCUMENTS, "CHANGELOG.md", ".ci/run", "docs/decisions"])
def test_the_documents_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_what_one_worker_tests_together_is_there() -> None:
    """A file that got another name would lose the portal that it shares without a word."""
    assert [path for paths in TOGETHER for path in paths if not (ROOT / path).exists()] == []


def requirements(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    found = [Requirement(line.removesuffix("\\")) for line in lines if re.match(r"\w", line)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


@pytest.mark.parametrize("group", ["requirements", "requirements-dev"])
def test_every_package_is_pinned_with_hashes_to_what_is_required(group: str) -> None:
    locked = (ROOT / f"{group}.txt").read_text()
    entries = re.findall(
        r"(?m)^\S+==[\w.]+(?: ; .+?)? \\\n((?: +--hash=sha256:[0-9a-f]{64}.*\n)+)", locked
    )
    pins, direct = requirements(f"{group}.txt"), requirements(f"{group}.in")
    assert len(entries) == len(pins) > len(direct)
    assert {name: pin.specifier for name, pin in direct.items()} == {
        name: pins[name].specifier for name in direct
    }


@pytest.mark.parametrize("group", ["requirements", "requirements-dev"])
def test_every_extra_that_a_package_asks_for_is_pinned_too(group: str) -> None:
    """Some versions of pip take a newer release for ``name[extra]`` than the pin of ``name``."""
    pins = requirements(f"{group}.txt")
    for name, pin in pins.items():
        if pin.marker is not None and not pin.marker.evaluate():
            continue
        for needed in map(Requirement, distribution(name).requires or []):
            extras = [{"extra": extra} for extra in ("", *pin.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, extras)):
                assert needed.extras <= pins[canonicalize_name(needed.name)].extras, name


def test_what_runs_is_what_was_tested() -> None:
    tested = requirements("requirements-dev.txt")
    for name, pin in requirements("requirements.txt").items():
        assert pin.specifier == tested[name].specifier


@pytest.mark.parametrize(
    ("folders", "files"),
    [
        (["payments_app", "alembic"], ["requirements.in"]),
        (["tests"], ["requirements.in", "requirements-dev.in"]),
    ],
)
def test_what_is_imported_is_required_by_name(folders: list[str], files: list[str]) -> None:
    required = {name for file in files for name in requirements(file)}
    # Parts of packages that are required themselves: Reflex, FastAPI and pytest.
    required |= {"reflex-base", "reflex-components-core", "starlette", "packaging"}
    distributions = packages_distributions()
    modules = {
        module.split(".")[0]
        for folder in folders
        for script in (ROOT / folder).rglob("*.py")
        for module in imported_modules(script)
    }
    foreign = modules - set(sys.stdlib_module_names) - {"payments_app", "tests", "rxconfig"}
    missing = {
        module
        for module in foreign
        if not required & {canonicalize_name(name) for name in distributions.get(module, [])}
    }
    assert not missing


def commands(document: str) -> list[str]:
    """Lines of the console blocks of a document."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documented_commands_exist(document: str) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    for command in commands(document):
        for target in re.findall(r"\bmake ([a-z]+)", command):
            assert target in targets, command
        for module in re.findall(r"python[\d.]* -m ([\w.]+)", command):
            assert find_spec(module) is not None, command
        for path in re.findall(r"(?:--requirement|-r) (\S+)", command):
            assert (ROOT / path).exists(), command


def test_make_help_lists_every_command() -> None:
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text())
    answer = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {line.split()[1] for line in answer.splitlines()} == set(targets)


def test_the_readme_lists_the_demo_logins() -> None:
    from payments_app.cli.demo import DEMO_LOGINS

    rows = re.findall(r"(?m)^\| ([^|]+?) +\| (\S+@\S+) +\| `(\S+)` +\|$", readme())
    assert rows == [(login.role, login.email, login.password) for login in DEMO_LOGINS]


def test_the_operations_document_lists_every_setting() -> None:
    from payments_app.cli.settings_table import DOCUMENT, with_tables

    written = DOCUMENT.read_text()
    assert written == with_tables(written), "run python -m payments_app.cli.settings_table"


def test_the_licences_are_those_of_the_locks() -> None:
    from payments_app.cli.licences import DOCUMENT, document

    assert DOCUMENT.read_text() == document(), "run python -m payments_app.cli.licences"


def readme() -> str:
    return (ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / document).read_text())
    assert not [link for link in links if not (ROOT / link).exists()]


def test_tests_that_documents_promise_exist() -> None:
    promised = {
        named
        for document in (ROOT / "docs").rglob("*.md")
        for named in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text())
    }
    assert len(promised) > 30
    missing = [
        (path, name)
        for path, name in promised
        if not (ROOT / path).exists()
        or (name and not re.search(rf"def {name}\b", (ROOT / path).read_text()))
    ]
    assert missing == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    forbidden = re.compile(r"/(?:home|root|Users|opt)/\w|registry\.npm|pypi\.org|pythonhosted")
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked_files()
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if forbidden.search(line)
    ]
    assert not wrong
