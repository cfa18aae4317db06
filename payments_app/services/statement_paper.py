"""A statement of account on paper."""

from typing import Final

from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.services import formatting, wording
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.paper import Column, Paper
from payments_app.services.receipts import issuer_lines
from payments_app.services.statements import Section, Statement, period_text

_COLUMNS: Final = (
    Column(later("Date"), 108, quiet=True),
    Column(later("Description"), 148),
    Column(later("Reference"), 93, quiet=True),
    Column(later("Amount"), 75, end=True),
    Column(later("Balance"), 75, end=True),
)


def draw(portal: Portal, who: Identity, statement: Statement) -> bytes:
    """Return the statement as PDF. Takes up to some seconds of processor time."""
    paper = Paper(portal.settings.portal_name, say("Statement of account"), portal.clock())
    paper.headline(
        period_text(who, statement.since, statement.until),
        say("Times are in {zone}. Only completed payments count.", zone=who.time_zone),
    )
    paper.parties(
        (say("Issued by"), issuer_lines(portal)), (say("Issued to"), [statement.account.name])
    )
    for section in statement.sections:
        _draw_section(paper, who, section)
    return bytes(paper.output())


def _draw_section(paper: Paper, who: Identity, section: Section) -> None:
    def money(minor: int) -> str:
        return formatting.money(Money(minor, section.currency), who.locale)

    paper.heading(formatting.currency_name(section.currency, who.locale))
    paper.fact(say("Opening balance"), money(section.opening))
    if section.lines:
        paper.table_head(_COLUMNS)
    else:
        paper.note(say("No payments in this period."))
    for line in section.lines:
        row = line.payment
        paper.table_row(
            _COLUMNS,
            (
                formatting.day_and_time(row.dated_at, who.locale, who.time_zone),
                wording.description(row.description, row.kind),
                row.reference,
                money(row.amount),
                money(line.balance),
            ),
        )
    paper.fact(say("Closing balance"), money(section.closing), strong=True)
    paper.ln(20)
