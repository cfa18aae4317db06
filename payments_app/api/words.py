"""The catalogues of words, for the pages of those who do not read English."""

import gzip
import json
from functools import lru_cache

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from payments_app.api.parameters import answers
from payments_app.domain.languages import ENGLISH, LANGUAGES
from payments_app.services.catalogues import for_browsers

router = APIRouter(tags=["words"])

_KEPT = "public, max-age=31536000, immutable"


@router.get("/words/{language}.json", responses=answers(404))
async def words(language: str, request: Request) -> Response:
    """Answer with a language's words; 404 for English, which is in the pages, and for others.

    The address that pages use carries the digest of the catalogue, so that it may be kept.
    """
    if language not in LANGUAGES or language == ENGLISH:
        raise HTTPException(404, "no such language")
    content = _content(language)
    headers = {"Cache-Control": _KEPT, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = _compressed(language), "gzip"
    return Response(content, media_type="application/json", headers=headers)


@lru_cache
def _content(language: str) -> bytes:
    return json.dumps(for_browsers(language), ensure_ascii=False).encode()


@lru_cache
def _compressed(language: str) -> bytes:
    return gzip.compress(_content(language))
