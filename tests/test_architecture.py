"""The house rules that a reader would otherwise have to trust: who may do what, and where."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments_app.gateways.base import Gateway
from payments_app.gateways.registry import GATEWAYS

PACKAGE = Path(__file__).parent.parent / "payments_app"
ROOMS = {
    "api",
    "cli",
    "components",
    "db",
    "domain",
    "gateways",
    "pages",
    "sandbox",
    "services",
    "state",
}
TOP_LEVEL = {"__init__.py", "payments_app.py", "settings.py", "wiring.py"}
MONEY_ROOMS = ("domain", "db", "services", "api", "state", "components", "pages")


def scripts(*rooms: str) -> Iterator[Path]:
    for room in rooms or ROOMS:
        yield from (PACKAGE / room).rglob("*.py")


def nodes(script: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(script.read_text()))


def place(script: Path, node: ast.AST) -> str:
    return f"{script.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"


def test_the_house_has_these_rooms_and_no_others() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert folders == ROOMS
    assert {path.name for path in PACKAGE.glob("*.py")} == TOP_LEVEL


def test_every_file_says_what_it_is_for() -> None:
    silent = [
        str(script.relative_to(PACKAGE))
        for script in scripts()
        if script.read_text() and not ast.get_docstring(ast.parse(script.read_text()))
    ]
    assert silent == []


def test_files_stay_short_enough_to_read() -> None:
    long = {
        str(script.relative_to(PACKAGE)): length
        for script in scripts()
        if (length := len(script.read_text().splitlines())) > 400
    }
    assert long == {}


def is_inexact(node: ast.AST) -> bool:
    """A number with a fraction, a division that makes one, a call of float() or round()."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div)
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("float", "round")


def test_rule_1_no_float_and_no_inexact_division_where_money_is() -> None:
    """Seconds may be fractions, and a Fraction is exact: lines that name them are left out."""
    found = [
        f"{place(script, node)}: {line.strip()}"
        for script in scripts(*MONEY_ROOMS)
        for node in nodes(script)
        if is_inexact(node)
        and not re.search(r"Fraction|SECONDS|_MS\b|timeout", line := line_of(script, node))
    ]
    assert found == []


def line_of(script: Path, node: ast.AST) -> str:
    return script.read_text().splitlines()[getattr(node, "lineno", 1) - 1]


def test_rule_3_only_settlement_completes_or_cancels_a_payment() -> None:
    assigning = {
        script.relative_to(PACKAGE).as_posix()
        for script in scripts("services", "api", "db", "gateways", "state")
        for node in nodes(script)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if ast.unparse(target).endswith("payment.status")
    }
    assert assigning == {"services/settlement.py"}


def test_rule_3_only_settlement_moves_a_balance() -> None:
    moving = {
        script.relative_to(PACKAGE).as_posix()
        for script in scripts()
        if "add_to_balances(" in script.read_text()
    }
    assert moving == {"db/ledger.py", "services/settlement.py"}


@pytest.mark.parametrize("kind", GATEWAYS, ids=lambda kind: kind.code)
def test_a_gateway_is_named_only_in_its_own_rooms(kind: type[Gateway]) -> None:
    own = re.compile(r"(gateways|sandbox)/\w+\.py|cli/demo_\w+\.py")
    elsewhere = [
        place(script, node)
        for script in scripts()
        if not own.fullmatch(script.relative_to(PACKAGE).as_posix())
        for node in nodes(script)
        if isinstance(node, ast.Constant) and node.value == kind.code
    ]
    assert elsewhere == []
