"""Where gateways send the customer back to. A return proves nothing: the page asks the gateway."""

from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from payments_app.api.guards import OptionalIdentity
from payments_app.api.parameters import Proof, Reference, answers
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout
from payments_app.services.context import current
from payments_app.services.stamps import is_stamped

router = APIRouter(tags=["returns"], default_response_class=Response, responses=answers(429))


def _to_result_page(reference: str) -> RedirectResponse:
    return RedirectResponse(f"/pay/{reference}", status_code=303)


@router.get("/return/{reference}", status_code=303)
@router.post("/return/{reference}", status_code=303)
async def returned(reference: Reference) -> RedirectResponse:
    """Send the customer on to the page that waits for the result; it does the look-up."""
    return _to_result_page(reference)


@router.get("/return/{reference}/cancelled/{proof}", status_code=303)
@router.post("/return/{reference}/cancelled/{proof}", status_code=303)
async def cancelled(reference: Reference, proof: Proof, who: OptionalIdentity) -> RedirectResponse:
    """Void the payment that its own customer gave up at the gateway, then show how it stands.

    Only the gateway was told ``proof``, so that no other site can send customers here to void one.
    """
    if who is not None and is_stamped(current().settings, reference, proof):
        with suppress(NotFound, NotAllowed, GatewayUnavailable):
            await checkout.cancel(current(), who, reference)
    return _to_result_page(reference)
