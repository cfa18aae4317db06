"""The catalogues of words: one for each language but English, which is in the sources.

Whoever works for a reader, an event, a request or a letter, speaks that reader's language from
``speak`` on; the words themselves come from ``say``. Catalogues are read once per process.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, TypeVar

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from payments_app.domain.languages import ENGLISH, LANGUAGES, Language, language_of
from payments_app.services import formatting

_FOLDER: Final = Path(__file__).parents[1].joinpath("locale")

_PLURALS: Final = {
    "fil": ["one", "other"],
    "fr": ["one", "other"],
    "ar": ["zero", "one", "two", "few", "many", "other"],
}
"""The names that browsers have (CLDR) for the plural forms, in the order of the catalogues."""
_ISOLATED: Final = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"

Key = TypeVar("Key")

_locale: ContextVar[str] = ContextVar("locale", default=ENGLISH)


def speak(locale: str) -> None:
    """Use the language of a locale for the rest of the present task."""
    _locale.set(locale)


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Use the language of a locale within a block."""
    before = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(before)


def say(text: str, /, **values: object) -> str:
    """Return words in the language in use, with each ``{name}`` replaced by its value."""
    language = language_of(_locale.get())
    said: str = _translations(language).gettext(text) if text else ""
    return said.format(**_isolated(language, values)) if values else said


def say_many(one: str, many: str, count: int, /, **values: object) -> str:
    """Return the words for so many; ``{count}`` is the number in the locale's digits."""
    locale = _locale.get()
    language = language_of(locale)
    said: str = _translations(language).ngettext(one, many, count)
    return said.format(**_isolated(language, {"count": formatting.count(count, locale), **values}))


def spoken_language() -> Language:
    """Return the language in use."""
    return LANGUAGES[language_of(_locale.get())]


class Told(Mapping[Key, str]):
    """A table of words, each given in the language in use; the words are marked by ``later``."""

    def __init__(self, words: Mapping[Key, str]) -> None:
        self._words = words

    def __getitem__(self, key: Key) -> str:
        return say(self._words[key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


def _isolated(language: str, values: dict[str, object]) -> dict[str, object]:
    """Keep figures and names in order within a sentence that is written from the right."""
    if not LANGUAGES[language].from_right:
        return values
    return {name: _ISOLATED.format(value) if value != "" else "" for name, value in values.items()}


def path_of(language: str) -> Path:
    """Return where a language's catalogue is."""
    return _FOLDER.joinpath(language, "LC_MESSAGES", "messages.po")


def catalogue(language: str) -> Catalog:
    """Read a language's catalogue."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


@lru_cache
def _translations(language: str) -> NullTranslations:
    if language == ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


@lru_cache
def for_browsers(language: str) -> dict[str, Any]:
    """Return what a page needs to speak a language; see assets/words.js."""
    return {
        "language": language,
        "dir": "rtl" if LANGUAGES[language].from_right else "ltr",
        "plurals": _PLURALS[language],
        "words": {
            (message.id[0] if message.pluralizable else message.id): message.string
            for message in catalogue(language)
            if message.id
        },
    }
