"""Arguments that fit a handler's signature pass; nothing is converted, nothing else gets in."""

from typing import Any

import pytest
import reflex as rx
from reflex_base.utils.form import FORM_DATA_ENTRIES_KEY

from payments_app.state.arguments import fits, storable
from payments_app.state.gate import public_event


class Counter(rx.State):
    """A state with one handler of several arguments."""

    @public_event
    def count(self, name: str, step: int, ids: list[int], form: dict[str, Any]) -> None:
        """Do nothing."""

    @public_event
    def maybe(self, name: str | None = None) -> None:
        """Do nothing."""


COUNT, MAYBE = (f"{Counter.get_full_name()}.{name}" for name in ("count", "maybe"))
GOOD = {"name": "Ada", "step": 5, "ids": [1], "form": {"text": "x", "on": True, "none": None}}


def test_what_fits_passes() -> None:
    assert fits(COUNT, GOOD)
    assert fits(COUNT, GOOD | {"form": {FORM_DATA_ENTRIES_KEY: [["text", "x"], ["text", "y"]]}})
    assert fits(MAYBE, {})
    assert fits(MAYBE, {"name": None})


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5},
        {"name": None},
        {"step": "5"},
        {"step": True},
        {"step": 5.0},
        {"ids": ["1"]},
        {"ids": 1},
        {"form": []},
        {"form": {FORM_DATA_ENTRIES_KEY: 5}},
        {"form": {FORM_DATA_ENTRIES_KEY: [["text", 2**64]]}},
        {"role": "owner"},
        {"self": None},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    assert not fits(COUNT, GOOD | change)


@pytest.mark.parametrize("missing", GOOD)
def test_what_is_missing_is_refused(missing: str) -> None:
    assert not fits(COUNT, {name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize(
    "value",
    [
        "\0",
        "\ud800",
        "x" * 10_001,
        2**63,
        -(2**63),
        float("nan"),
        float("inf"),
        object(),
        {"\0": 1},
        [{"deep": ["\ud800"]}],
    ],
)
def test_what_no_database_takes_is_refused(value: Any) -> None:
    assert not storable(value)
    assert not storable({"in": [value]})


def test_ordinary_values_are_storable() -> None:
    assert storable({"a": [1, -1.5, True, None, "\N{SNOWMAN} \N{GRINNING FACE}", ""]})
