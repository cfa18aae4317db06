"""Accounts, and one account; and the staff themselves."""

import reflex as rx

from payments_app.components.staff.account import account
from payments_app.components.staff.accounts import accounts
from payments_app.components.staff.frame import ACCOUNTS, TEAM, staff_frame
from payments_app.components.staff.parts import section_head
from payments_app.components.staff.users import invite_button, invite_dialog, users_table
from payments_app.components.words import t
from payments_app.domain.payment import Role


def accounts_page() -> rx.Component:
    """Show all accounts."""
    return staff_frame(ACCOUNTS, accounts())


def account_page() -> rx.Component:
    """Show one account."""
    return staff_frame(ACCOUNTS, account())


def team_page() -> rx.Component:
    """Show the staff."""
    return staff_frame(
        TEAM,
        section_head(
            t("Team"),
            invite_button(Role.OWNER),
            lead=t("Viewers see, finance acts, owners manage staff and settings too."),
        ),
        users_table(t("Team")),
        invite_dialog(),
    )
