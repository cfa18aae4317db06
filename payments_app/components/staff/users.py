"""A table of users with what can be done about them, and the dialog to invite one."""

import reflex as rx

from payments_app.components.forms import dialog_buttons, field
from payments_app.components.look import CopyButton
from payments_app.components.pieces import told
from payments_app.components.staff.table import cell, column, dense_table
from payments_app.components.words import t
from payments_app.domain.payment import Role
from payments_app.services.users import ROLES, UserRow
from payments_app.state.session import SessionState
from payments_app.state.staff.users import UsersState

_HEAD = (t("Name"), t("E-mail"), t("Role"), t("Two-factor"), t("State"), "")
_STAFF_ROLES = [role for role in ROLES if role is not Role.CUSTOMER]


def users_table(label: rx.Var[str]) -> rx.Component:
    """Show the users that the page has loaded."""
    return rx.fragment(
        told(UsersState.notice, margin_bottom="12px"),
        rx.cond(
            UsersState.users.length() > 0,
            dense_table(
                label,
                [column(head) for head in _HEAD],
                rx.foreach(UsersState.users, _row),
            ),
            rx.cond(
                UsersState.loaded,
                rx.el.p(t("No users yet. Invite the first one."), class_name="quiet"),
                rx.skeleton(width="100%", height="36px"),
            ),
        ),
    )


def invite_button(needed: Role) -> rx.Component:
    """Show the button to invite a user to those who may."""
    may = SessionState.role == Role.OWNER.value
    if needed is Role.FINANCE:
        may |= SessionState.role == Role.FINANCE.value
    return rx.cond(
        may,
        rx.button(
            t("Invite user"), on_click=UsersState.ask_for_new(True), variant="surface", size="2"
        ),
        rx.fragment(),
    )


def _row(user: UserRow) -> rx.Component:
    return rx.el.tr(
        cell(t("Name"), user.name),
        cell(t("E-mail"), user.email, class_name="soft"),
        cell(t("Role"), user.role_label),
        cell(t("Two-factor"), rx.cond(user.second_factor, t("On"), t("Off")), class_name="soft"),
        cell(
            t("State"),
            rx.match(
                user.state,
                ("active", rx.el.span(t("Active"), class_name="pill completed")),
                ("invited", rx.el.span(t("Invited"), class_name="pill pending")),
                rx.el.span(t("Disabled"), class_name="pill"),
            ),
        ),
        rx.el.td(rx.cond(_may_manage(user), _menu(user)), class_name="menu"),
        key=user.id,
    )


def _may_manage(user: UserRow) -> rx.Var[bool]:
    customer = (user.role == Role.CUSTOMER.value) & (SessionState.role == Role.FINANCE.value)
    return ~user.is_self & ((SessionState.role == Role.OWNER.value) | customer)


def _menu(user: UserRow) -> rx.Component:
    return rx.menu.root(
        rx.menu.trigger(
            rx.icon_button(
                rx.icon("ellipsis", size=16),
                variant="ghost",
                color_scheme="gray",
                size="1",
                aria_label=t("Actions for {name}", name=user.name),
            )
        ),
        rx.menu.content(
            rx.cond(
                user.state == "invited",
                rx.menu.item(t("Send a new invitation"), on_click=UsersState.invite_again(user.id)),
            ),
            rx.cond(
                user.role != Role.CUSTOMER.value,
                rx.menu.sub(
                    rx.menu.sub_trigger(t("Role")),
                    rx.menu.sub_content(
                        *(
                            rx.menu.item(
                                t(ROLES[role]), on_click=UsersState.give_role(user.id, role.value)
                            )
                            for role in _STAFF_ROLES
                        )
                    ),
                ),
            ),
            rx.cond(
                user.second_factor,
                rx.menu.item(
                    t("Remove two-factor"), on_click=UsersState.remove_second_factor(user.id)
                ),
            ),
            rx.cond(
                user.state == "disabled",
                rx.menu.item(t("Enable"), on_click=UsersState.enable(user.id)),
                rx.menu.item(
                    t("Disable"), on_click=UsersState.disable(user.id), color_scheme="red"
                ),
            ),
        ),
    )


def invite_dialog() -> rx.Component:
    """Return the dialog to invite a user, which then shows the link that was e-mailed."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(t("Invite a user"), class_name="dialog-title"),
            rx.cond(UsersState.link != "", _invited(), _invitation()),
            max_width="440px",
            aria_describedby=None,
        ),
        open=UsersState.inviting,
        on_open_change=UsersState.ask_for_new,
    )


def _invitation() -> rx.Component:
    return rx.el.form(
        field(t("Name"), "name", UsersState.errors["name"], max_length=200),
        field(t("E-mail"), "email", UsersState.errors["email"], type="email", max_length=254),
        rx.cond(
            UsersState.account == 0,
            rx.el.label(
                rx.el.span(t("Role"), class_name="field-label"),
                rx.select.root(
                    rx.select.trigger(width="100%", aria_label=t("Role")),
                    rx.select.content(
                        *(rx.select.item(t(ROLES[role]), value=role.value) for role in _STAFF_ROLES)
                    ),
                    value=UsersState.role,
                    on_change=UsersState.choose_role,
                ),
                class_name="field",
            ),
        ),
        dialog_buttons(t("Invite"), UsersState.ask_for_new(False)),
        on_submit=UsersState.invite,
        class_name="stacked",
        custom_attrs={"noValidate": True},
    )


def _invited() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("The invitation is on its way. This link does the same, once, for 7 days:")),
        CopyButton.create(text=UsersState.link, label=t("Copy the link")),
        rx.flex(
            rx.button(t("Done"), on_click=UsersState.ask_for_new(False)),
            justify="end",
            margin_top="8px",
        ),
        class_name="stacked",
        role="status",
    )
