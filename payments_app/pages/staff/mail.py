"""Every e-mail, for staff."""

import reflex as rx

from payments_app.components.staff.frame import MAIL, staff_frame
from payments_app.components.staff.mail import mail_list


def mail_page() -> rx.Component:
    """Show the outbox."""
    return staff_frame(MAIL, mail_list())
