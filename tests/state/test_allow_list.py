"""Which event handlers a socket can reach, over all that the whole app registers."""

from reflex_base.registry import RegistrationContext

import payments_app.payments_app
from payments_app.state.gate import REFLEX_EVENTS, Access, access_of


def test_every_handler_of_the_portal_is_declared() -> None:
    """A method without an underscore on a state is callable by anyone: each needs a decorator."""
    assert payments_app.payments_app.app
    handlers = RegistrationContext.get().event_handlers
    undeclared = {
        name
        for name, registered in handlers.items()
        if access_of(name) is None and registered.handler.fn.__module__.startswith("payments_app.")
    }
    assert undeclared == set()


def test_only_five_of_reflexs_own_handlers_are_open() -> None:
    handlers = RegistrationContext.get().event_handlers
    open_ones = {
        name
        for name, registered in handlers.items()
        if access_of(name) is not None
        and not registered.handler.fn.__module__.startswith(("payments_app.", "tests."))
    }
    assert open_ones == REFLEX_EVENTS
    assert all(access_of(name) is Access.PUBLIC for name in open_ones)
