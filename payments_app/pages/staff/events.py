"""Every webhook, for staff."""

import reflex as rx

from payments_app.components.staff.events import events_list
from payments_app.components.staff.frame import EVENTS, staff_frame


def events_page() -> rx.Component:
    """Show the webhooks."""
    return staff_frame(EVENTS, events_list())
