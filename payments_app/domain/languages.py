"""The languages that the portal speaks, and which of them a browser or user gets."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its code (ISO 639), its own name, and whether it is written from the right."""

    code: str
    name: str
    from_right: bool = False


LANGUAGES: Final = {
    language.code: language
    for language in (
        Language("en", "English"),
        Language("fil", "Filipino"),
        Language("fr", "Français"),
        Language("ar", "العربية", from_right=True),
    )
}
ENGLISH: Final = "en"
"""What the sources are written in, and what everybody gets who wants none of the others."""

_SAME: Final = {"tl": "fil"}
_LONGEST: Final = 16
_LONGEST_HEADER: Final = 500


def later(text: str) -> str:
    """Mark words for the catalogues that are looked up where they are shown."""
    return text


def language_of(locale: str) -> str:
    """Return the code of a locale's language; English when the portal does not speak it."""
    code = locale.replace("_", "-").split("-")[0].lower()
    code = _SAME.get(code, code)
    return code if code in LANGUAGES else ENGLISH


def speaks(locale: str) -> bool:
    """Tell whether this names a locale, such as ``fr`` or ``en-GB``, of one of the languages."""
    code, *rest = locale.replace("_", "-").split("-")
    known = _SAME.get(code.lower(), code.lower()) in LANGUAGES
    plain = all(part.isascii() and part.isalnum() for part in rest)
    return known and plain and len(locale) <= _LONGEST


def preferred(accept_language: str) -> str:
    """Return the first locale of a browser that the portal speaks, else English.

    The header's order counts (RFC 9110, section 12.5.4): browsers send the weights in order.
    """
    return next(iter(_spoken(accept_language)), ENGLISH)


def locale_for(language: str, accept_language: str) -> str:
    """Return the browser's own locale of a language (``fr-CA``), else the plain language."""
    return next((tag for tag in _spoken(accept_language) if language_of(tag) == language), language)


def _spoken(accept_language: str) -> list[str]:
    tags = (part.split(";")[0].strip() for part in accept_language[:_LONGEST_HEADER].split(","))
    return [tag for tag in tags if speaks(tag)]
