"""What the customer has to do next, as it is kept with the payment."""

from typing import Any, Final

from pydantic import TypeAdapter

from payments_app.gateways.base import ConfirmCard, NextAction, Redirect, ShowInstructions

_KEPT: Final[dict[str, type[Redirect] | type[ShowInstructions]]] = {
    "redirect": Redirect,
    "instructions": ShowInstructions,
}


def stored_action(action: NextAction) -> dict[str, Any] | None:
    """Return the JSON to keep, or None for a card confirmation: its secret is never stored."""
    if isinstance(action, ConfirmCard):
        return None
    name = next(name for name, kind in _KEPT.items() if isinstance(action, kind))
    return {"kind": name, **TypeAdapter(type(action)).dump_python(action, mode="json")}


def read_action(stored: dict[str, Any] | None) -> NextAction | None:
    """Return the action that ``stored_action`` kept."""
    if stored is None:
        return None
    values = {name: value for name, value in stored.items() if name != "kind"}
    return TypeAdapter(_KEPT[stored["kind"]]).validate_python(values)
