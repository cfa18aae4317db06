"""Every event handler that a socket can name, read from Reflex's registry, with its arguments."""

import inspect
import typing
from collections.abc import Iterator
from typing import Any

from reflex_base.registry import RegistrationContext

import payments_app.payments_app

assert payments_app.payments_app.app

NAMES = sorted(
    name
    for name, registered in RegistrationContext.get().event_handlers.items()
    if not registered.handler.fn.__module__.startswith("tests.")
)

_UNFIT: dict[Any, tuple[Any, ...]] = {
    str: (None, 5, True, [], {}, "x" * 20_000, "\0"),
    int: (None, "5", 1.5, True, [], {}, 2**70, -(2**70)),
    bool: (None, 1, "true", [], {}),
    list: (None, "x", 5, {}, [{}], [None], [[]]),
    dict: (None, "x", 5, [], [[]], {"x": "\0"}, {"x": 2**70}),
}
"""Values that fit no argument of a type."""


def arguments(name: str) -> dict[str, Any]:
    """Return the type of each argument of a handler."""
    function = RegistrationContext.get().event_handlers[name].handler.fn
    hints = typing.get_type_hints(function)
    return {name: hints.get(name, Any) for name in list(inspect.signature(function).parameters)[1:]}


def plausible(name: str, belongings: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that fit, naming another account's belongings wherever one can be named."""
    reference = belongings["reference"]
    made: dict[str, Any] = {}
    for argument, kind in arguments(name).items():
        base = typing.get_origin(kind) or kind
        if argument in belongings:
            made[argument] = belongings[argument]
        elif base is bool:
            made[argument] = True
        elif base is int:
            made[argument] = belongings["user_id"]
        elif base is list:
            made[argument] = [reference]
        elif base is dict:
            made[argument] = {"reference": reference, "text": "owned", "amount": "1.00"}
        else:
            made[argument] = reference
    return made


def unfit(name: str, belongings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return payloads of which each has one fault."""
    good = plausible(name, belongings)
    yield good | {"role": "owner"}
    yield good | {"self": None}
    for argument, kind in arguments(name).items():
        yield {other: value for other, value in good.items() if other != argument} | {"x": 1}
        for value in _UNFIT.get(typing.get_origin(kind) or kind, ()):
            yield good | {argument: value}
