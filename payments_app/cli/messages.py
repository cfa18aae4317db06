"""Bring the catalogues of words up to date with the sources. See ``make messages``.

Words that are new stay empty until they are translated, which tests/test_words.py tells; words that
nothing says any more are dropped.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

from payments_app.cli.build import ROOT
from payments_app.domain.languages import ENGLISH, LANGUAGES
from payments_app.services.catalogues import catalogue, path_of

_KEYWORDS: Final[dict[str, Any]] = {
    "t": None,
    "tn": (1, 2),
    "say": None,
    "say_many": (1, 2),
    "later": None,
}
"""The functions whose first words are for the catalogues; the plural ones take two."""

_HEADER: Final = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural_forms};\\n"

"""


def said() -> Catalog:
    """Return all words that the sources say, each with the files that say it."""
    template = Catalog()
    for script, method in sorted(_scripts()):
        for _, message, _, _ in extract_from_file(method, script, _KEYWORDS):
            template.add(message, locations=[(script.relative_to(ROOT).as_posix(), 1)])
    return template


def _scripts() -> Iterator[tuple[Path, str]]:
    for script in (ROOT / "payments_app").rglob("*.py"):
        yield script, "python"
    for script in (ROOT / "assets").glob("*.js"):
        yield script, "javascript"


def update(language: str, template: Catalog) -> None:
    """Write a language's catalogue anew: the words of the template, translated as before."""
    old = catalogue(language)
    new = Catalog(locale=language)
    for message in template:
        before = old.get(message.id) if message.id else None
        if message.id:
            new.add(message.id, before.string if before else None, message.locations)
    header = _HEADER.format(language=language, plural_forms=old.plural_forms.rstrip(";"))
    with path_of(language).open("wb") as file:
        file.write(header.encode())
        write_po(file, new, width=0, omit_header=True, sort_output=True, include_lineno=False)


if __name__ == "__main__":
    template = said()
    for code in LANGUAGES:
        if code != ENGLISH:
            update(code, template)
