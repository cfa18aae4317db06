"""Reconciliation, for staff."""

import reflex as rx

from payments_app.components.staff.frame import RECONCILIATION, staff_frame
from payments_app.components.staff.reconciliation import reconciliation_list


def reconciliation_page() -> rx.Component:
    """Show the comparisons."""
    return staff_frame(RECONCILIATION, reconciliation_list())
