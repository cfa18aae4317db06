"""Where staff start."""

import reflex as rx

from payments_app.components.staff.charts import overview_charts
from payments_app.components.staff.first_steps import first_steps
from payments_app.components.staff.frame import OVERVIEW, staff_frame
from payments_app.components.words import t


def overview_page() -> rx.Component:
    """Show how the day goes, live."""
    return staff_frame(OVERVIEW, rx.el.h1(t("Overview")), first_steps(), overview_charts())
