"""Stripe's twin: PaymentIntents, refunds, disputes, events, Stripe.js and 3-D Secure.

Paths, bodies and errors are those of https://docs.stripe.com/api. The official SDK works against
it: ``StripeClient(key, base_addresses={"api": settings["STRIPE_API_BASE"]})``.
"""

import hmac
import json

from payments_app.sandbox import card_intents, card_refunds  # noqa: F401  (they add their routes)
from payments_app.sandbox.card_browser import pages
from payments_app.sandbox.card_http import PUBLISHABLE_KEY, SECRET_KEY, api, error_body
from payments_app.sandbox.store import Document
from payments_app.sandbox.twin import OLD, Provider, Signed, Twin

WEBHOOK_SECRET = "whsec_sandbox_portal"  # noqa: S105  (sandbox only)


def issued(origin: str) -> dict[str, str]:
    """Return the settings that Stripe would show in its dashboard, and its two addresses."""
    return {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": f"{origin}/stripe",
        "STRIPE_JS_URL": f"{origin}/stripe/js/v3/",
    }


async def sign(here: Provider, event: Document, *, old_key: bool = False) -> Signed:
    """HMAC-SHA256 over ``<seconds>.<body>``; https://docs.stripe.com/webhooks#verify-manually."""
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    seconds = int(here.now)
    text = f"{seconds}.".encode() + body
    key = WEBHOOK_SECRET + OLD * old_key
    signature = hmac.new(key.encode(), text, "sha256").hexdigest()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={seconds},v1={signature}",
        "User-Agent": "Stripe/1.0 (sandbox)",
    }
    return Signed(body, headers, signature)


def fault_body(status: int) -> Document:
    """Write the error body for an injected 500 or 429."""
    if status == 429:
        return error_body("invalid_request_error", "Too many requests.", "rate_limit")
    return error_body("api_error", "An unknown error occurred.")


TWIN = Twin(
    code="card",
    name="Stripe",
    prefix="/stripe",
    api=api,
    pages=pages,
    issued=issued,
    sign=sign,
    fault_body=fault_body,
)
