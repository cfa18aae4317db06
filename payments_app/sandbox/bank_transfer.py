"""A bank's twin: it only opens the accounts to which customers send money."""

import json

from fastapi import APIRouter

from payments_app.sandbox.api import api_router
from payments_app.sandbox.store import Document
from payments_app.sandbox.twin import Provider, Signed, Twin

_ACCOUNTS = {
    "USD": {
        "Account name": "Northwind Voice Inc.",
        "Bank": "First Bank (sandbox)",
        "Routing number": "000000000",
        "Account number": "0000 1234 5678",
    },
    "GBP": {
        "Account name": "Northwind Voice Ltd",
        "Bank": "Bank of London (sandbox)",
        "Sort code": "00-00-00",
        "Account number": "12345678",
    },
}


def issued(origin: str) -> dict[str, str]:
    """Return the accounts that a bank would open."""
    return {"BANK_TRANSFER_ACCOUNTS": json.dumps(_ACCOUNTS)}


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """Raise: a bank tells nobody that money came."""
    raise NotImplementedError("a bank sends no webhooks")


TWIN = Twin(
    code="bank_transfer",
    name="Bank",
    prefix="/bank",
    api=api_router(),
    pages=APIRouter(),
    issued=issued,
    sign=sign,
    fault_body=lambda status: {"status": status},
)
