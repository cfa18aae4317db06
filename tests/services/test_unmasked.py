"""What staff see of text that hides or imitates something."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_app.services.unmasked import unmasked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PayPal top-up", "PayPal top-up"),
        ("\u202egpj.exe", "⟨U+202E⟩gpj.exe"),
        ("Pay\u200bPal", "Pay⟨U+200B⟩Pal"),
        ("Pay\u200dPal", "Pay⟨U+200D⟩Pal"),
        ("\u2066a\u2069", "⟨U+2066⟩a⟨U+2069⟩"),
        ("\ufeffname", "⟨U+FEFF⟩name"),
        ("soft\u00adhyphen", "soft⟨U+00AD⟩hyphen"),
        ("bell\x07", "bell⟨U+0007⟩"),
        ("P\u0430yPal", "P⟨U+0430⟩yPal"),
        ("\u0420aypal", "⟨U+0420⟩aypal"),
        ("\u039f\u039f7", "\u039f\u039f7"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_hides_or_imitates_is_shown_by_its_code_point(text: str, shown: str) -> None:
    assert unmasked(text) == shown


@pytest.mark.parametrize(
    "text",
    ["Łódź Café", "Москва", "Αθήνα", "Москва and Athens", "محمد", "日本電信電話", "नमस्ते", "5 µs"],
)
def test_honest_text_of_any_language_stays_as_it_is(text: str) -> None:
    assert unmasked(text) == text


@pytest.mark.parametrize("text", ["\u0645\u06cc\u200c\u062e\u0648", "👩\u200d💻"])
def test_joiners_that_a_script_needs_stay(text: str) -> None:
    assert unmasked(text) == text


@given(st.text())
def test_nothing_shown_is_invisible_or_turns_the_direction(text: str) -> None:
    shown = set(unmasked(text)) - set("\n\t\u200c\u200d")
    assert not {c for c in shown if unicodedata.category(c) in ("Cc", "Cf")}
