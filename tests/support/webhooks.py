"""Webhooks of the sandbox, taken to the portal by hand, so that the test says when."""

from collections.abc import Sequence

from payments_app.services import webhooks
from payments_app.services.context import Portal
from tests.support.sandbox import Delivery


async def take_in(portal: Portal, deliveries: Sequence[Delivery]) -> None:
    """Receive what was delivered to ``/webhooks/<gateway>`` and handle all of it."""
    for delivery in deliveries:
        gateway = delivery.path.rpartition("/")[2]
        await webhooks.receive(portal, gateway, delivery.headers, delivery.body)
    while await webhooks.handle_due(portal):
        pass
