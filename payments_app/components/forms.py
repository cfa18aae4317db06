"""Fields, buttons and panels of forms."""

from typing import Any

import reflex as rx

from payments_app.api.guards import FORM_FIELD
from payments_app.components.look import NativeForm
from payments_app.components.words import t
from payments_app.domain.languages import LANGUAGES
from payments_app.state.session import SessionState


class ZoneSelect(rx.NoSSRComponent):
    """Lets the user choose the time zone of dates. See assets/zone_select.js."""

    library = "$/public/zone_select.js"
    tag = "ZoneSelect"

    zone: rx.Var[str]
    label: rx.Var[str]
    save: rx.Var[str]


def field(
    label: rx.Var[str], name: str, fault: rx.Var[str] | str = "", hint: str = "", **options: Any
) -> rx.Component:
    """Show a labelled field; ``fault`` stands beneath it when the entry cannot be taken."""
    return rx.el.div(
        rx.el.label(label, html_for=f"field-{name}", class_name="field-label"),
        rx.input(
            id=f"field-{name}",
            name=name,
            size="2",
            width="100%",
            custom_attrs={
                "aria-invalid": rx.cond(fault, "true", "false"),
                "aria-describedby": f"{name}-note",
            },
            **options,
        ),
        rx.el.span(
            rx.cond(fault, rx.el.span(fault, class_name="fault", role="alert"), hint),
            id=f"{name}-note",
            class_name="field-note",
        ),
        class_name="field",
    )


def posted_form(action: str | rx.Var[str], *content: rx.Component) -> rx.Component:
    """Show a form that the browser posts itself to ``action``, with the login session's token."""
    token = rx.el.input(type="hidden", name=FORM_FIELD, value=SessionState.form_token)
    return NativeForm.create(token, *content, action=action, method="post")


def language_choice() -> rx.Component:
    """Return the languages, each by its own name; a press opens the page anew in that language."""
    names = (
        rx.el.button(
            language.name, type="submit", name="language", value=language.code, lang=language.code
        )
        for language in LANGUAGES.values()
    )
    return rx.el.div(
        NativeForm.create(*names, action="/auth/places", method="post"),
        class_name="languages",
        aria_label=t("Language"),
        role="group",
    )


def dialog_buttons(label: rx.Var[str], on_cancel: rx.event.EventSpec) -> rx.Component:
    """Show Cancel and the button that sends the form."""
    return rx.flex(
        rx.button(
            t("Cancel"), on_click=on_cancel, type="button", variant="soft", color_scheme="gray"
        ),
        rx.button(label, type="submit"),
        spacing="3",
        justify="end",
        margin_top="8px",
    )


def panel(
    title: rx.Var[str], *content: rx.Component, actions: rx.Component | None = None
) -> rx.Component:
    """Show one part of a page under its title, with what can be done to the far right."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2(title),
            rx.el.span(class_name="grow"),
            actions or rx.fragment(),
            class_name="panel-head",
        ),
        *content,
        class_name="panel",
    )
