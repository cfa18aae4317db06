"""What routes take in their paths, and the answers that their description names."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Path

LARGEST_ID: Final = 2**63 - 1

Reference = Annotated[str, Path(pattern="^[0-9A-Z]{1,20}$")]
"""Our reference of a payment."""
AccountId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
GatewayCode = Annotated[str, Path(pattern="^[a-z_]{1,32}$")]
Proof = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]
"""What shows that a gateway sent the browser here; see ``services/stamps.py``."""


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer so."""
    return {status: {"description": HTTPStatus(status).phrase} for status in statuses}
