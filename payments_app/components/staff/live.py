"""The React parts of the staff's live tables."""

import reflex as rx


class LiveTable(rx.NoSSRComponent):
    """A table that merges changed rows into the page it was given; see ``assets/live_table.js``.

    ``rows`` and ``turn`` are one load, ``patch`` what changed since. ``columns`` are dicts of
    ``key``, ``label``, ``className`` and, to sort by, ``up`` and ``down``; ``hidden`` names those
    put away. ``texts`` are its words, by name; ``deeds`` is what a row's menu may offer, with its
    label, of which a row names its own. ``opened`` holds the reference of the payment in the sheet.
    """

    library = "$/public/live_table.js"
    tag = "LiveTable"

    rows: rx.Var[list]
    turn: rx.Var[int]
    patch: rx.Var[dict]
    columns: rx.Var[list[dict[str, str]]]
    hidden: rx.Var[str]
    order: rx.Var[str]
    first: rx.Var[bool]
    size: rx.Var[int]
    loaded: rx.Var[int]
    loading: rx.Var[bool]
    texts: rx.Var[dict[str, str]]
    deeds: rx.Var[dict[str, str]]
    opened: rx.Var[list[str]]

    on_sort: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_open: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_deed: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]
    on_opened_changed: rx.EventHandler[rx.event.passthrough_event_spec(list[str])]
    on_first: rx.EventHandler[rx.event.no_args_event_spec]
    on_missed: rx.EventHandler[rx.event.no_args_event_spec]


class Updated(rx.NoSSRComponent):
    """Says how long ago ``stamp`` changed last; ``text`` holds ``{ago}``."""

    library = "$/public/live_table.js"
    tag = "Updated"

    stamp: rx.Var[str]
    text: rx.Var[str]
    locale: rx.Var[str]
