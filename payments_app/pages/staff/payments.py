"""All customers' payments."""

import reflex as rx

from payments_app.components.staff.frame import PAYMENTS, staff_frame
from payments_app.components.staff.payments import staff_payments


def staff_payments_page() -> rx.Component:
    """Show the list, live."""
    return staff_frame(PAYMENTS, staff_payments())
