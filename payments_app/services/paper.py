"""A printed page: margins, letterhead, footer, facts and tables, on A4. Lengths are points."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF, Align, XPos, YPos

from payments_app.services.catalogues import say, spoken_language
from payments_app.services.formatting import one_line

_FONTS: Final = Path(__file__).with_name("fonts")
_INTER: Final = {"": "Inter-Regular.ttf", "B": "Inter-SemiBold.ttf"}
_ARABIC: Final = {"": "NotoSansArabic-Regular.ttf", "B": "NotoSansArabic-SemiBold.ttf"}
_ARABIC_LETTER: Final = re.compile("[\u0620-\u064a]")
_ISOLATES: Final = dict.fromkeys(range(0x2066, 0x206A))
_MARGIN: Final = 48
_LABEL: Final = 150
_FOOTER: Final = 44
_SMALL: Final = 8
_BODY: Final = 9
_INK: Final = (28, 32, 36)
_QUIET: Final = (96, 100, 108)
_RULE: Final = (217, 217, 224)
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``width`` in points."""

    label: str
    width: int
    end: bool = False
    quiet: bool = False


class Paper(FPDF):
    """One document. What others wrote is drawn as plain text: nothing in it is markup."""

    def __init__(self, issuer: str, title: str, made_at: datetime) -> None:
        super().__init__(unit="pt", format="A4")
        language = spoken_language()
        self._from_right = language.from_right
        for style, file in _INTER.items():
            self.add_font("Inter", style, _FONTS.joinpath(file))
        if self._from_right:
            self._add_arabic()
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_FOOTER + 16)
        self.alias_nb_pages("{pages}")
        self._issuer, self._title = one_line(issuer), one_line(title)
        self.set_title(f"{self._title} \N{MIDDLE DOT} {self._issuer}")
        self.set_creator(self._issuer)
        self.set_creation_date(made_at)
        self.set_lang(language.code)
        self.add_page()

    def _add_arabic(self) -> None:
        for style, file in _ARABIC.items():
            self.add_font("Arabic", style, _FONTS.joinpath(file))
        self.set_fallback_fonts(["Arabic"], exact_match=False)

    def _plain(self, text: str) -> str:
        """Return a text as it can be drawn, with the letters of its own script joined.

        The isolates that keep figures in order on pages have no glyphs, and nothing to do where a
        line holds either Arabic or none.
        """
        text = one_line(text.translate(_ISOLATES))
        if self._from_right:
            # fpdf2 takes the fallback font of the text before for the one that is set.
            self.current_font_is_set_on_page = False
            if _ARABIC_LETTER.search(text):
                self.set_text_shaping(True, direction="rtl", script="arab", language="ara")
            else:
                self.set_text_shaping(False)
        return text

    @property
    def _start(self) -> Align:
        return Align.R if self._from_right else Align.L

    @property
    def _end(self) -> Align:
        return Align.L if self._from_right else Align.R

    def header(self) -> None:
        """Draw the letterhead of each page."""
        self._ink(_BODY + 2, bold=True)
        issuer = self._plain(self._issuer)
        self.cell(0, 18, issuer, align=self._start, new_x=XPos.LMARGIN, new_y=YPos.TOP)
        self._ink(_BODY, quiet=True)
        title = self._plain(self._title)
        self.cell(0, 18, title, align=self._end, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._rule(8)
        self.ln(16)

    def footer(self) -> None:
        """Draw the page's number."""
        self.set_y(-_FOOTER)
        self._ink(_SMALL, quiet=True)
        text = say("Page {page} of {pages}", page=self.page_no(), pages="{pages}")
        self.cell(0, 12, self._plain(text), align=Align.C)

    def headline(self, text: str, note: str) -> None:
        """Write the one thing that a reader looks for, and what it is beneath."""
        self._ink(24, bold=True)
        self.cell(0, 32, self._plain(text), align=self._start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.note(note)
        self.ln(16)

    def note(self, text: str) -> None:
        """Write a quiet line."""
        self._ink(_BODY, quiet=True)
        text = self._plain(text)
        self.multi_cell(0, 14, text, align=self._start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def parties(self, *parties: tuple[str, list[str]]) -> None:
        """Write who deals with whom, side by side: a label and the lines beneath it."""
        width = int(self.epw) // len(parties)
        top = lowest = self.get_y()
        places = reversed(range(len(parties))) if self._from_right else range(len(parties))
        for place, (label, lines) in zip(places, parties, strict=True):
            self.set_xy(_MARGIN + place * width, top)
            self._ink(_SMALL, quiet=True)
            align, left = self._start, XPos.LEFT
            self.cell(width - 12, 14, self._plain(label), align=align, new_x=left, new_y=YPos.NEXT)
            for line in lines:
                self._ink(_BODY)
                line = self._plain(line)
                self.multi_cell(width - 12, 14, line, align=align, new_x=left, new_y=YPos.NEXT)
            lowest = max(lowest, self.get_y())
        self.set_xy(_MARGIN, lowest + 20)

    def fact(self, label: str, value: str, *, strong: bool = False) -> None:
        """Write one labelled value between rules."""
        self._ink(_BODY, quiet=True)
        self.cell(0, 20, self._plain(label), align=self._start, new_x=XPos.LMARGIN, new_y=YPos.TOP)
        self._ink(_BODY, bold=strong)
        if not self._from_right:
            self.set_x(_MARGIN + _LABEL)
        width, value = self.epw - _LABEL, self._plain(value)
        self.multi_cell(width, 20, value, align=self._end, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._rule(0)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._keep_together(96)
        self._ink(_BODY + 3, bold=True)
        self.cell(0, 24, self._plain(text), align=self._start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def table_head(self, columns: tuple[Column, ...]) -> None:
        """Write the labels of a table's columns."""
        self._cells(columns, tuple(say(column.label) for column in columns), 18, all_quiet=True)

    def table_row(self, columns: tuple[Column, ...], values: tuple[str, ...]) -> None:
        """Write one row; a new page begins with the labels again, and long text is cut."""
        if self._keep_together(18):
            self.table_head(columns)
        self._cells(columns, values, 16)

    def _cells(
        self,
        columns: tuple[Column, ...],
        values: tuple[str, ...],
        height: int,
        *,
        all_quiet: bool = False,
    ) -> None:
        cells = list(zip(columns, values, strict=True))
        for column, value in reversed(cells) if self._from_right else cells:
            self._ink(_SMALL, quiet=all_quiet or column.quiet)
            text = self._fitting(self._plain(value), column.width - 6)
            self.cell(column.width, height, text, align=self._end if column.end else self._start)
        self.ln(height)
        self._rule(0)

    def _fitting(self, text: str, width: int) -> str:
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + _ELLIPSIS) > width:
            text = text[:-1]
        return text + _ELLIPSIS

    def _keep_together(self, height: int) -> bool:
        """Begin a new page when less than ``height`` is left; tell whether one began."""
        if not self.will_page_break(height):
            return False
        self.add_page()
        return True

    def _ink(self, size: int, *, bold: bool = False, quiet: bool = False) -> None:
        self.set_font("Inter", "B" if bold else "", size)
        self.set_text_color(_QUIET if quiet else _INK)

    def _rule(self, gap: int) -> None:
        self.ln(gap)
        self.set_draw_color(_RULE)
        self.line(_MARGIN, self.get_y(), int(self.w) - _MARGIN, self.get_y())
