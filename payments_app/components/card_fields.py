"""The card fields: Stripe.js in the browser, of which the server learns only complete or not."""

from typing import Any

import reflex as rx


class CardFields(rx.NoSSRComponent):
    """Card number, expiry (month and year) and CVC in frames of the card processor.

    A non-empty ``client_secret`` is confirmed once; ``on_result`` then gives ``status`` and
    ``error``. See assets/card_fields.js.
    """

    library = "$/public/card_fields.js"
    tag = "CardFields"

    js_url: rx.Var[str]
    publishable_key: rx.Var[str]
    client_secret: rx.Var[str]
    locale: rx.Var[str]
    appearance: rx.Var[str]
    disabled: rx.Var[bool]
    missing: rx.Var[bool]
    texts: rx.Var[dict[str, Any]]

    on_ready: rx.EventHandler[rx.event.no_args_event_spec]
    on_change: rx.EventHandler[rx.event.passthrough_event_spec(bool)]
    on_taken: rx.EventHandler[rx.event.no_args_event_spec]
    on_result: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, str])]


class Leave(rx.NoSSRComponent):
    """Takes the browser to ``url`` when one is set; only http and https. See assets/leave.js."""

    library = "$/public/leave.js"
    tag = "Leave"

    url: rx.Var[str]


class Waiting(rx.NoSSRComponent):
    """Counts ``{ago}`` up from ``age`` and ``{next}`` down from ``ahead`` in ``text``.

    When ``ahead`` has passed it says ``soon``. ``on_tick`` fires every so many seconds, never for
    0. A new ``stamp`` starts the count anew; a negative ``age`` shows nothing.
    """

    library = "$/public/waiting.js"
    tag = "Waiting"

    age: rx.Var[int]
    ahead: rx.Var[int]
    stamp: rx.Var[int]
    every: rx.Var[int]
    text: rx.Var[str]
    soon: rx.Var[str]

    on_tick: rx.EventHandler[rx.event.no_args_event_spec]
