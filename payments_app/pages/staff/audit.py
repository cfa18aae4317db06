"""Who did what."""

import reflex as rx

from payments_app.components.staff.audit import audit_log
from payments_app.components.staff.frame import AUDIT, staff_frame


def audit_page() -> rx.Component:
    """Show the audit log."""
    return staff_frame(AUDIT, audit_log())
