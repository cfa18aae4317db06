"""No gateway lacks one of its parts, and none is known by name outside its own files."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments_app.domain.money import EXPONENTS
from payments_app.gateways.base import Gateway
from payments_app.gateways.registry import GATEWAYS
from payments_app.sandbox.registry import TWINS
from payments_app.settings import GatewaySettings
from tests.gateways.contract import GatewayContract

PACKAGE = Path(__file__).parent.parent.parent / "payments_app"
ROOMS = ("gateways", "sandbox")
DEMO_DATA = "cli/demo"
CODES = {kind.code for kind in GATEWAYS}

every_gateway = pytest.mark.parametrize("kind", GATEWAYS, ids=lambda kind: kind.code)
by_machine = pytest.mark.parametrize(
    "kind",
    [kind for kind in GATEWAYS if not kind.staff_confirmed],
    ids=lambda kind: kind.code,
)


def prefix(kind: type[Gateway]) -> str:
    return kind.Settings.model_config.get("env_prefix") or ""


def test_they_are_shown_in_this_order() -> None:
    assert [kind.label for kind in GATEWAYS] == [
        "PayPal",
        "Credit Card",
        "Pay Stack",
        "Now Payments",
        "Paynamics",
        "Bank Transfer",
    ]


@every_gateway
def test_has_a_file_of_its_name(kind: type[Gateway]) -> None:
    assert kind.__module__ == f"payments_app.gateways.{kind.code}"


@every_gateway
def test_describes_itself(kind: type[Gateway]) -> None:
    assert kind.label
    assert kind.icon
    assert kind.all_currencies
    assert kind.all_currencies <= EXPONENTS.keys()
    assert kind.check_delays == tuple(sorted(kind.check_delays))


@every_gateway
def test_has_settings_of_its_own(kind: type[Gateway]) -> None:
    assert issubclass(kind.Settings, GatewaySettings)
    assert prefix(kind).endswith("_")
    assert [prefix(other) for other in GATEWAYS].count(prefix(kind)) == 1
    assert kind.required_settings
    defaults = kind.Settings(_env_file=None)
    for name in kind.required_settings:
        assert not getattr(defaults, name), "nothing is offered before it is set up"


@every_gateway
def test_is_set_up_by_the_sandbox(kind: type[Gateway]) -> None:
    issued = {name: text for twin in TWINS for name, text in twin.issued("http://s").items()}
    needed = {f"{prefix(kind)}{name}".upper() for name in kind.required_settings}
    assert needed <= issued.keys()


@by_machine
def test_has_a_twin(kind: type[Gateway]) -> None:
    assert [twin.code for twin in TWINS].count(kind.code) == 1


@every_gateway
def test_has_a_test_file(kind: type[Gateway]) -> None:
    assert importlib.import_module(f"tests.gateways.test_{kind.code}")


@by_machine
def test_keeps_the_contract(kind: type[Gateway]) -> None:
    tests = vars(importlib.import_module(f"tests.gateways.test_{kind.code}")).values()
    assert [
        each
        for each in tests
        if isinstance(each, type)
        and issubclass(each, GatewayContract)
        and each.__name__.startswith("Test")
        and each.kind is kind
    ]


def literals(script: Path) -> Iterator[tuple[int, str]]:
    """Yield every string literal of a script that is a gateway's code, with its line."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Constant) and node.value in CODES:
            yield node.lineno, str(node.value)


def test_codes_stay_in_their_rooms() -> None:
    strangers = [
        f"{name}:{line} names {code}"
        for script in PACKAGE.rglob("*.py")
        if not (name := script.relative_to(PACKAGE).as_posix()).startswith((*ROOMS, DEMO_DATA))
        for line, code in literals(script)
    ]
    assert not strangers


@pytest.mark.parametrize("room", ROOMS)
def test_what_gateways_share_names_none(room: str) -> None:
    shared = [
        script
        for script in (PACKAGE / room).glob("*.py")
        if not script.stem.startswith(tuple(CODES))
    ]
    assert shared
    assert not [(script.name, each) for script in shared for each in literals(script)]
