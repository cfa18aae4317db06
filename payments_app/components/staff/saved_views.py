"""The views that staff save for themselves: open one, give it another name, delete it."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.staff.filters import popover
from payments_app.components.words import t
from payments_app.services.saved_views import LONGEST_NAME
from payments_app.state.staff.payments import StaffPaymentsState
from payments_app.state.staff.saved_views import SavedViewsState, View


def saved_views() -> rx.Component:
    """Show the button that opens the user's own views."""
    return popover(
        t("Views"),
        rx.cond(
            SavedViewsState.views.length() > 0,
            rx.el.ul(rx.foreach(SavedViewsState.views, _view), class_name="view-list"),
            rx.el.p(
                t("Keep the filters and columns that you use often under a name."),
                class_name="quiet",
                margin="0 0 8px",
            ),
        ),
        _form(
            t("Save this view as"),
            t("Save"),
            SavedViewsState.save,
            SavedViewsState.save_fault,
            key=f"save-{SavedViewsState.saves}",
        ),
        rx.el.p(
            t("A name that you have used already replaces that view."),
            class_name="field-note",
            margin="8px 0 0",
        ),
    )


def _view(view: View) -> rx.Component:
    return rx.el.li(
        rx.cond(
            SavedViewsState.renaming == view.id,
            _form(
                t("New name"),
                t("Rename"),
                SavedViewsState.rename,
                SavedViewsState.rename_fault,
                key=f"rename-{view.id}",
                value=view.name,
            ),
            rx.fragment(
                rx.el.button(
                    view.name,
                    on_click=SavedViewsState.open_view(view.id),
                    type="button",
                    class_name="view-name",
                    custom_attrs={
                        "aria-current": rx.cond(
                            (view.address == StaffPaymentsState.address)
                            & (view.hidden == StaffPaymentsState.hidden),
                            "true",
                            "false",
                        )
                    },
                ),
                _small_button("pencil", t("Rename"), view, SavedViewsState.ask_to_rename),
                _small_button("trash-2", t("Delete"), view, SavedViewsState.delete),
            ),
        ),
        key=view.id,
    )


def _small_button(icon: str, what: str, view: View, on_click: rx.EventHandler) -> rx.Component:
    return rx.icon_button(
        rx.icon(icon, size=14),
        on_click=on_click(view.id),
        disabled=has_connection_errors,
        aria_label=t("{what} {name}", what=what, name=view.name),
        variant="ghost",
        color_scheme="gray",
        size="1",
    )


def _form(
    label: rx.Var[str],
    button: str,
    on_submit: rx.EventHandler,
    fault: rx.Var[str],
    *,
    key: rx.Var[str] | str,
    value: rx.Var[str] | str = "",
) -> rx.Component:
    return rx.form(
        rx.input(
            name="name",
            default_value=value,
            placeholder=label,
            aria_label=label,
            max_length=LONGEST_NAME,
            auto_complete=False,
            size="2",
        ),
        rx.button(button, type="submit", disabled=has_connection_errors, size="2"),
        rx.cond(fault != "", rx.el.p(fault, class_name="fault", role="alert")),
        on_submit=on_submit,
        reset_on_submit=False,
        key=key,
        class_name="view-form",
    )
