"""The review queue, for staff."""

import reflex as rx

from payments_app.components.staff.frame import REVIEW, staff_frame
from payments_app.components.staff.review import review_list


def review_page() -> rx.Component:
    """Show what waits for staff."""
    return staff_frame(REVIEW, review_list())
