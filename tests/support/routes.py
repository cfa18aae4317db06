"""The portal's routes, read from the app itself, so that a new one is tested like the others."""

from fastapi.routing import APIRoute

from payments_app.api.guards import optional_identity
from payments_app.payments_app import api


def routes() -> list[APIRoute]:
    """Every route of the routers that the app includes; mounted apps are no part of the portal."""
    included = (getattr(route, "original_router", api) for route in api.routes)
    found = {id(route): route for router in included for route in router.routes}
    return [route for route in found.values() if isinstance(route, APIRoute)]


def guards_of(route: APIRoute) -> set[object]:
    """Every dependency of a route, those of dependencies too."""
    found: set[object] = set()
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        found.add(dependant.call)
        waiting += dependant.dependencies
    return found


def knows_the_asker(route: APIRoute) -> bool:
    """Whether a route looks at the session cookie through a dependency."""
    return optional_identity in guards_of(route)
