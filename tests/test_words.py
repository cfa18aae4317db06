"""Every word that a reader sees is in the catalogues, and every catalogue is whole."""

import re
from collections.abc import Iterator

import pytest
import reflex as rx
from babel.messages.catalog import Catalog, Message
from reflex_base.components.component import BaseComponent
from reflex_components_core.base.bare import Bare

from payments_app.cli.messages import said
from payments_app.domain.languages import ENGLISH, LANGUAGES
from payments_app.payments_app import app
from payments_app.services.catalogues import catalogue, say, say_many, speaking
from payments_app.settings import Settings

OTHERS = sorted(LANGUAGES.keys() - {ENGLISH})
PLACEHOLDER = re.compile(r"\{\w+\}")

SPOKEN = {"aria_label", "title", "placeholder", "alt", "label", "content", "text", "texts"}
ATTRIBUTES = {"aria_label", "title", "placeholder", "alt"}
SPOKEN_ATTRIBUTES = {"aria-label", "data-label", "title", "placeholder", "alt"}
TRANSLATED = re.compile(r'\btn?\("(?:[^"\\]|\\.)*"(?:, "(?:[^"\\]|\\.)*")?')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
OWN_NAMES = {Settings().portal_name, *(language.name for language in LANGUAGES.values())}


@pytest.fixture(scope="module")
def template() -> Catalog:
    return said()


def forms(message: Message) -> list[str]:
    """All that a message says in another language: several texts where it counts."""
    return list(message.string) if message.pluralizable else [message.string]


@pytest.mark.parametrize("language", OTHERS)
def test_each_catalogue_has_all_words_and_no_others(language: str, template: Catalog) -> None:
    assert {m.id for m in catalogue(language)} == {m.id for m in template}, "run `make messages`"


@pytest.mark.parametrize("language", OTHERS)
def test_all_words_are_translated_and_none_is_a_guess(language: str) -> None:
    known = catalogue(language)
    assert not [m.id for m in known if m.id and (m.fuzzy or not all(forms(m)))]
    assert not [m.id for m in known if m.pluralizable and len(forms(m)) != known.num_plurals]


@pytest.mark.parametrize("language", OTHERS)
def test_translations_name_the_same_values(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        wanted = set(PLACEHOLDER.findall(message.id[-1] if message.pluralizable else message.id))
        for text in forms(message):
            # "One payment" may leave its number out.
            free = {"{count}"} if message.pluralizable else set()
            assert set(PLACEHOLDER.findall(text)) | free == wanted | free, text


def literals(script: str, *, any_case: bool = False) -> Iterator[str]:
    """Texts in the script of a value that look like words and are not looked up.

    A single small word is taken for a code, except where only words can stand.
    """
    for found in LITERAL.finditer(TRANSLATED.sub("(", script)):
        text = found[1].encode().decode("unicode_escape")
        worded = any_case or text[:1].isupper() or " " in text.strip()
        if (
            worded
            and re.search(r"[^\W\d_]{2}", text)
            and text.strip(" \N{MIDDLE DOT}") not in OWN_NAMES
        ):
            yield text


def spoken(component: BaseComponent, seen: set[int]) -> Iterator[str]:
    """Words in a tree of components that pages show or screen readers read out."""
    if id(component) in seen:
        return
    seen.add(id(component))
    if isinstance(component, Bare):
        yield from literals(str(component.contents))
    for name in SPOKEN:
        said_here = str(getattr(component, name, None))
        yield from literals(said_here, any_case=name in ATTRIBUTES and said_here[:1] == '"')
    for name, value in (getattr(component, "custom_attrs", None) or {}).items():
        if name in SPOKEN_ATTRIBUTES:
            yield from literals(str(rx.Var.create(value)))
    for child in [*component.children, *component._get_components_in_props()]:
        yield from spoken(child, seen)


@pytest.mark.parametrize("route", app._unevaluated_pages)
def test_pages_say_nothing_that_is_not_looked_up(route: str) -> None:
    page = app._unevaluated_pages[route]
    component = page.component() if callable(page.component) else page.component
    assert not sorted(set(spoken(component, set())))
    assert not list(literals(str(page.title)))


def test_an_unmarked_word_is_found() -> None:
    field = rx.el.input(placeholder="none")
    page = rx.el.div(rx.cond(rx.State.is_hydrated, "Not marked", field), aria_label="So")
    assert set(spoken(page, set())) == {"Not marked", "So", "none"}


def test_words_follow_the_reader() -> None:
    assert say("Pay {total}", total="$5.00") == "Pay $5.00"
    with speaking("fr-CA"):
        assert say("Pay {total}", total="5 $") == "Payer 5 $"
        assert say_many("{count} new payment", "{count} new payments", 1) == "1 nouveau paiement"
    with speaking("ar"):
        assert say_many("{count} new payment", "{count} new payments", 2) == "دفعتان جديدتان"
        # Figures keep their own order within a sentence that is written from the right.
        assert say("Pay {total}", total="5") == "ادفع \u20685\u2069"
    assert say("Cancel") == "Cancel"
