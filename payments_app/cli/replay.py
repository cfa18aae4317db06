"""Handle webhooks again, with a bar over them."""

from payments_app.cli.progress import bar
from payments_app.services import events, webhooks
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


async def replay(portal: Portal, who: Identity, number: int | None, *, quiet: bool) -> int:
    """Handle one webhook again, or all unhandled ones; return how many.

    A portal that runs beside this takes its share of them. Raises NotFound and NotAllowed.
    """
    count = await events.replay(portal, who, number)
    with bar("Webhooks", count, quiet=quiet) as advance:
        while handled := await webhooks.handle_due(portal):
            advance(handled)
    return count
