"""Text as staff see it: what hides or imitates is shown by its code point (``P⟨U+0430⟩yPal``).

Text is stored as it was given. Invisible characters and those that turn the reading direction
(Unicode Technical Report 36, section 3) let one text look like another; so do letters of another
alphabet within a word.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Needed in the middle of words of some scripts, and in emoji: shown only beside Latin letters."""
_ALPHABETS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Those whose letters look alike."""
_LEFT, _RIGHT = "\u27e8", "\u27e9"
_WORD: Final = re.compile(r"\w+")


def unmasked(text: str) -> str:
    """Return text in which nothing is hidden and no letter passes for one of another alphabet."""
    if text.isascii() and text.isprintable():
        return text
    marked = _WORD.sub(lambda word: _without_guises(word[0]), text)
    return "".join(_shown(marked, at) for at in range(len(marked)))


def _shown(text: str, at: int) -> str:
    character = text[at]
    if character in _JOINERS and not (text[:at] + text[at + 1 :]).isascii():
        return character
    hides = unicodedata.category(character) in ("Cc", "Cf", "Co", "Zl", "Zp")
    return _code(character) if hides and character not in "\n\t" else character


def _without_guises(word: str) -> str:
    found = [_alphabet(character) for character in word]
    used = {alphabet for alphabet in found if alphabet}
    if len(used) < 2:
        return word
    own = max(sorted(used), key=found.count)
    return "".join(
        character if alphabet in ("", own) else _code(character)
        for character, alphabet in zip(word, found, strict=True)
    )


@lru_cache(maxsize=4096)
def _alphabet(character: str) -> str:
    first = unicodedata.name(character, "").partition(" ")[0]
    return first if first in _ALPHABETS and character.isalpha() else ""


def _code(character: str) -> str:
    return f"{_LEFT}U+{ord(character):04X}{_RIGHT}"
