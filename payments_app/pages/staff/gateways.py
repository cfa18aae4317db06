"""The gateways, for staff."""

import reflex as rx

from payments_app.components.staff.frame import GATEWAYS, staff_frame
from payments_app.components.staff.gateways import gateway_list


def gateways_page() -> rx.Component:
    """Show how the gateways stand."""
    return staff_frame(GATEWAYS, gateway_list())
