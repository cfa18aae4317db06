"""What stands around every page of a logged-in user."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.forms import language_choice, posted_form
from payments_app.components.live import BALANCES
from payments_app.components.look import PlainLink
from payments_app.components.notifications import notifications_dialog, notifications_entry
from payments_app.components.words import t
from payments_app.settings import Settings
from payments_app.state.notice import NoticeState
from payments_app.state.payments import PaymentsState
from payments_app.state.session import CUSTOMER_PAGE, PROFILE_PAGE, STAFF_PAGE, SessionState


def customer_frame(*content: rx.Component) -> rx.Component:
    """Put the content of a customer's page under the top bar."""
    return rx.box(
        PlainLink.create(t("Skip to content"), href="#content", class_name="skip"),
        bars(rx.cond(SessionState.viewing, _viewing_bar())),
        rx.el.header(
            brand(CUSTOMER_PAGE),
            rx.cond(
                SessionState.account_name != "",
                rx.fragment(
                    rx.el.span(class_name="bar-line wide", aria_hidden="true"),
                    rx.el.span(SessionState.account_name, class_name="quiet wide"),
                ),
            ),
            rx.el.span(class_name="grow"),
            _live_mark(),
            _balance_chip(),
            theme_switch(),
            rx.cond(SessionState.user_name != "", user_menu(), rx.box(class_name="avatar")),
            class_name="bar",
        ),
        rx.el.main(*content, id="content", class_name="page", tab_index=-1),
        notifications_dialog(),
        class_name="frame",
    )


def plain_frame(*content: rx.Component) -> rx.Component:
    """Put the content of a user's own page under a bar that leads back to the others."""
    home = rx.cond(SessionState.is_staff, STAFF_PAGE, CUSTOMER_PAGE)
    return rx.box(
        PlainLink.create(t("Skip to content"), href="#content", class_name="skip"),
        bars(),
        rx.el.header(
            brand(home),
            rx.el.span(class_name="grow"),
            theme_switch(),
            rx.cond(SessionState.user_name != "", user_menu(), rx.box(class_name="avatar")),
            class_name="bar",
        ),
        rx.el.main(*content, id="content", class_name="page", tab_index=-1),
        class_name="frame",
    )


def brand(href: str | rx.Var[str]) -> rx.Component:
    """Return the portal's name, which leads to the first page; where it is cut, its end is."""
    return rx.link(
        Settings().portal_name,
        href=href,
        color="inherit",
        underline="none",
        _hover={},
        class_name="brand",
        custom_attrs={"dir": "auto"},
    )


def bars(*more: rx.Component) -> rx.Component:
    """Keep what is said above a page in sight: no connection, what could not be done, and more."""
    return rx.el.div(_offline_bar(), _notice_bar(), *more, class_name="bars")


def theme_switch() -> rx.Component:
    """Return the button that switches between light and dark."""
    return rx.icon_button(
        rx.color_mode_cond(rx.icon("moon", size=16), rx.icon("sun", size=16)),
        on_click=rx.toggle_color_mode,
        variant="ghost",
        color_scheme="gray",
        size="2",
        class_name="bar-button",
        aria_label=t("Switch between light and dark"),
    )


def _offline_bar() -> rx.Component:
    return rx.cond(
        has_connection_errors,
        rx.el.div(
            rx.icon("cloud-off", size=14, aria_hidden="true"),
            t("No connection. What you typed is kept; we keep trying to reconnect."),
            class_name="offline",
            role="status",
        ),
    )


def _notice_bar() -> rx.Component:
    return rx.cond(
        NoticeState.words != "",
        rx.el.div(
            rx.icon("circle-alert", size=14, aria_hidden="true"),
            NoticeState.words,
            rx.icon_button(
                rx.icon("x", size=14),
                on_click=NoticeState.dismiss,
                variant="ghost",
                color_scheme="gray",
                size="1",
                aria_label=t("Dismiss"),
            ),
            class_name="offline",
            role="status",
        ),
    )


def _viewing_bar() -> rx.Component:
    return rx.el.div(
        rx.icon("eye", size=14, aria_hidden="true"),
        rx.el.span(
            t(
                "You see what {account} sees. Nothing can be changed.",
                account=SessionState.account_name,
            )
        ),
        posted_form(
            "/auth/leave-view",
            rx.button(t("Leave"), type="submit", variant="surface", color_scheme="amber", size="1"),
        ),
        class_name="viewing",
        role="status",
    )


def _live_mark() -> rx.Component:
    return rx.cond(
        has_connection_errors,
        rx.el.span(t("Reconnecting"), class_name="live away wide"),
        rx.cond(
            PaymentsState.phase == "ready",
            rx.el.span(t("Live"), class_name="live wide"),
            rx.fragment(),
        ),
    )


def _balance_chip() -> rx.Component:
    return rx.el.span(
        rx.foreach(
            BALANCES,
            lambda balance: rx.el.span(balance.amount, key=balance.name),
        ),
        class_name="chip tabular",
        aria_label=t("Balance"),
        role="group",
    )


def user_menu() -> rx.Component:
    """Return the menu of the logged-in user, behind the initial of the name."""
    return rx.popover.root(
        rx.popover.trigger(
            rx.el.button(
                SessionState.user_name[0],
                class_name="avatar",
                type="button",
                aria_label=t("Your menu"),
            ),
        ),
        rx.popover.content(
            rx.text(SessionState.user_name, size="2", weight="medium"),
            rx.text(SessionState.user_email, size="1", color="var(--gray-11)"),
            rx.separator(size="4", margin_y="12px"),
            rx.hstack(
                rx.icon("clock", size=14, aria_hidden="true"),
                rx.text(SessionState.time_zone, size="2"),
                align="center",
                spacing="2",
            ),
            language_choice(),
            rx.cond(SessionState.is_staff | SessionState.viewing, None, notifications_entry()),
            rx.cond(
                SessionState.viewing,
                rx.fragment(),
                rx.link(
                    rx.icon("shield", size=14, aria_hidden="true"),
                    t("Profile and security"),
                    href=PROFILE_PAGE,
                    size="2",
                    color="inherit",
                    underline="hover",
                    class_name="menu-entry",
                ),
            ),
            rx.separator(size="4", margin_y="12px"),
            posted_form(
                "/auth/logout",
                rx.button(
                    rx.icon("log-out", size=14, aria_hidden="true"),
                    t("Log out"),
                    type="submit",
                    variant="soft",
                    color_scheme="gray",
                    size="2",
                    width="100%",
                ),
            ),
            aria_label=t("Your menu"),
            align="end",
            width="272px",
            size="1",
        ),
    )
