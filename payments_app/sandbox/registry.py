"""The twins that the sandbox brings: one line each."""

from payments_app.sandbox import bank_transfer, card, nowpayments, paynamics, paypal, paystack
from payments_app.sandbox.twin import Twin

TWINS: tuple[Twin, ...] = (
    paypal.TWIN,
    card.TWIN,
    paystack.TWIN,
    nowpayments.TWIN,
    paynamics.TWIN,
    bank_transfer.TWIN,
)
