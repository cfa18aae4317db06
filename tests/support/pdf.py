"""What a reader of a PDF sees."""

import io

from pypdf import PdfReader


def pages_of(content: bytes) -> list[str]:
    """Return each page's text, in the order it was drawn."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def text_of(content: bytes) -> str:
    """Return the text of all pages."""
    return "\n".join(pages_of(content))
