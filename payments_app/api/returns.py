"""Where gateways send the customer back to. A return proves nothing: the page asks the gateway."""

from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from payments_app.api.guards import OptionalIdentity
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout
from payments_app.services.context import current
from payments_app.services.stamps import is_stamped

router = APIRouter(tags=["returns"])

_METHODS = ["GET", "POST"]


def _to_result_page(reference: str) -> RedirectResponse:
    # Only letters and digits are passed on, so the answer stays on this site.
    return RedirectResponse(f"/pay/{''.join(filter(str.isalnum, reference))[:20]}", status_code=303)


@router.api_route("/return/{reference}", methods=_METHODS)
async def returned(reference: str) -> RedirectResponse:
    """Send the customer on to the page that waits for the result; it does the look-up."""
    return _to_result_page(reference)


@router.api_route("/return/{reference}/cancelled/{proof}", methods=_METHODS)
async def cancelled(reference: str, proof: str, who: OptionalIdentity) -> RedirectResponse:
    """Void the payment that its own customer gave up at the gateway, then show how it stands.

    Only the gateway was told ``proof``, so that no other site can send customers here to void one.
    """
    if who is not None and is_stamped(current().settings, reference, proof):
        with suppress(NotFound, NotAllowed, GatewayUnavailable):
            await checkout.cancel(current(), who, reference)
    return _to_result_page(reference)
