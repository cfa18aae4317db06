"""The arguments of an event, checked against its handler's own signature before it runs.

Reflex passes on a value that does not fit the annotation as it came. Here nothing is converted: a
page's own code sends the right types, so that whatever does not fit comes from no page.
"""

import inspect
from functools import cache
from math import isfinite
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from reflex_base.registry import RegistrationContext
from reflex_base.utils.form import transform_form_data

_LARGEST: Final = 2**63
"""One above the greatest integer that databases take."""
_LONGEST: Final = 10_000
"""Letters of one text; every field of a page asks for far less."""


def fits(event_name: str, payload: dict[str, Any]) -> bool:
    """Tell whether an event of this name takes these arguments, all of them and no others."""
    model = _model(event_name)
    try:
        sent = {
            name: transform_form_data(value, model.model_fields[name].annotation)
            for name, value in payload.items()
        }
        model.model_validate(sent)
        return storable(sent)
    except (ValidationError, KeyError, TypeError, ValueError, RecursionError):
        return False


def storable(value: Any) -> bool:
    """Tell whether a value from JSON holds only texts and numbers that a database takes."""
    match value:
        case str():
            return len(value) <= _LONGEST and "\0" not in value and _is_whole(value)
        case int():
            return abs(value) < _LARGEST
        case float():
            return isfinite(value)
        case list():
            return all(map(storable, value))
        case dict():
            return all(map(storable, value)) and all(map(storable, value.values()))
    return value is None


def _is_whole(text: str) -> bool:
    """Tell whether a text holds no half of a character (a lone surrogate)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@cache
def _model(event_name: str) -> type[BaseModel]:
    function = RegistrationContext.get().event_handlers[event_name].handler.fn
    hints = get_type_hints(function)
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if one.default is one.empty else one.default)
        for name, one in list(inspect.signature(function).parameters.items())[1:]
    }
    config = ConfigDict(strict=True, extra="forbid")
    return create_model("Arguments", __config__=config, **fields)
