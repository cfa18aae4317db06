"""What stands around every page of the staff: the top bar and the rail of sections."""

from dataclasses import dataclass
from typing import Final

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.frame import bars, brand, theme_switch, user_menu
from payments_app.components.look import PlainLink
from payments_app.components.staff.add_payment import add_payment_dialog
from payments_app.components.staff.payment_detail import staff_payment_detail
from payments_app.components.words import t
from payments_app.state.session import SessionState


@dataclass(frozen=True)
class Section:
    """One entry of the rail."""

    label: rx.Var[str]
    icon: str
    href: str


OVERVIEW: Final = Section(t("Overview"), "layout-dashboard", "/staff")
PAYMENTS: Final = Section(t("Payments"), "list", "/staff/payments")
ACCOUNTS: Final = Section(t("Accounts"), "building-2", "/staff/accounts")
REVIEW: Final = Section(t("Review"), "list-checks", "/staff/review")
GATEWAYS: Final = Section(t("Gateways"), "plug-zap", "/staff/gateways")
EVENTS: Final = Section(t("Events"), "webhook", "/staff/events")
RECONCILIATION: Final = Section(t("Reconciliation"), "scale", "/staff/reconciliation")
TEAM: Final = Section(t("Team"), "users", "/staff/team")
AUDIT: Final = Section(t("Audit"), "scroll-text", "/staff/audit")

MAIL: Final = Section(t("Mail"), "mail", "/staff/mail")

SECTIONS: Final = (
    OVERVIEW,
    PAYMENTS,
    REVIEW,
    ACCOUNTS,
    GATEWAYS,
    EVENTS,
    MAIL,
    RECONCILIATION,
    TEAM,
    AUDIT,
)
"""In the order of the rail."""


def staff_frame(section: Section, *content: rx.Component) -> rx.Component:
    """Put the content of one of the staff's sections beside the rail, once staff are known."""
    return rx.box(
        PlainLink.create(t("Skip to content"), href="#content", class_name="skip"),
        bars(),
        rx.el.header(
            brand(OVERVIEW.href),
            rx.el.span(class_name="bar-line wide", aria_hidden="true"),
            rx.el.span(t("Staff"), class_name="quiet wide"),
            rx.el.span(class_name="grow"),
            _live_mark(),
            theme_switch(),
            rx.cond(SessionState.user_name != "", user_menu(), rx.box(class_name="avatar")),
            class_name="bar",
        ),
        rx.el.div(
            rx.el.nav(
                *(_entry(entry, current=entry is section) for entry in SECTIONS),
                class_name="rail",
                aria_label=t("Sections"),
            ),
            rx.el.main(
                rx.cond(rx.State.is_hydrated & SessionState.is_staff, rx.fragment(*content)),
                id="content",
                class_name="workspace",
                tab_index=-1,
            ),
            class_name="staff",
        ),
        staff_payment_detail(),
        add_payment_dialog(),
        class_name="frame",
    )


def _entry(section: Section, *, current: bool) -> rx.Component:
    return rx.link(
        rx.icon(section.icon, size=16, aria_hidden="true"),
        rx.el.span(section.label),
        href=section.href,
        underline="none",
        color="inherit",
        class_name="rail-entry",
        custom_attrs={"aria-current": "page"} if current else {},
    )


def _live_mark() -> rx.Component:
    return rx.cond(
        has_connection_errors,
        rx.el.span(t("Reconnecting"), class_name="live away wide"),
        rx.cond(
            rx.State.is_hydrated,
            rx.el.span(t("Live"), class_name="live wide"),
            rx.fragment(),
        ),
    )
