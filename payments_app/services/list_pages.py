"""How long a page of payments is, how far a list is counted, and the words for where one is."""

from typing import Final

from payments_app.db.payments import Count
from payments_app.services import formatting
from payments_app.services.catalogues import say

PAGE_SIZE: Final = 50
MOST_COUNTED: Final = 10_000


def range_text(locale: str, first: int, found: Count) -> str:
    """Say which payments of how many are on a page whose first has this number, from 1.

    Beyond what was counted, just that there are more.
    """
    if not found.rows:
        return ""
    last = first + PAGE_SIZE - 1
    return say(
        "{start} to {end} of {count}",
        start=formatting.count(first, locale),
        end=formatting.count(last if found.more else min(last, found.rows), locale),
        count=formatting.count(found.rows, locale) + ("+" if found.more or found.partial else ""),
    )
