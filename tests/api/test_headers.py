"""The headers of every kind of answer: pages, files, routes, errors, redirects."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from payments_app.api.headers import with_headers
from payments_app.api.policy import NOTHING, PagePolicies, source_of
from payments_app.gateways import registry
from payments_app.sandbox.app import issued_settings
from payments_app.services.context import Portal
from payments_app.settings import Mode, Settings

INLINE = "document.title = 'on'"
PAGE = (
    f'<style>a{{}}</style><p style="top:0"></p><script>{INLINE}</script><script src="/x"></script>'
)
RADIX = "e(`style`,{dangerouslySetInnerHTML:{__html:`b{}`}})"
ONCE = (
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A built front end of three pages, a script and a style sheet."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "staff").mkdir()
    (tmp_path / "assets/a-1234.js").write_text(RADIX)
    (tmp_path / "portal.css").write_text("p {}")
    for name in ("index", "staff/index"):
        (tmp_path / f"{name}.html").write_text(PAGE)
    (tmp_path / "404.html").write_text("<script>none()</script>")
    return tmp_path


def client_of(portal: Portal, build: Path) -> httpx.AsyncClient:
    api = FastAPI()

    @api.get("/private")
    async def private() -> Response:
        return Response("{}", media_type="application/json", headers={"Set-Cookie": "a=b"})

    @api.get("/away")
    async def away() -> Response:
        return RedirectResponse("/private", 303)

    @api.get("/refused")
    async def refused() -> Response:
        raise HTTPException(403, "no")

    @api.get("/broken")
    async def broken() -> Response:
        raise RuntimeError("broken")

    @api.get("/sandbox/page")
    async def sandbox() -> Response:
        return Response("", media_type="text/html")

    api.mount("", StaticFiles(directory=build, html=True))
    app = with_headers(portal, build, apart=("/sandbox/",))(api)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://portal.test")


@pytest.fixture
async def client(portal: Portal, build: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(portal, build) as client:
        yield client


def directives(policy: str) -> dict[str, set[str]]:
    parts = (directive.split() for directive in policy.split("; "))
    return {name: set(sources) for name, *sources in parts}


@pytest.mark.parametrize(
    ("path", "status", "caching"),
    [
        ("/", 200, "no-cache"),
        ("/staff/", 200, "no-cache"),
        ("/portal.css", 200, "no-cache"),
        ("/no/such/page", 404, "no-cache"),
        ("/assets/a-1234.js", 200, "public, max-age=31536000, immutable"),
        ("/assets/gone.js", 404, "no-cache"),
        ("/private", 200, "no-store"),
        ("/away", 303, "no-store"),
        ("/refused", 403, "no-store"),
        ("/broken", 500, "no-store"),
    ],
)
async def test_every_answer_carries_every_header_once(
    client: httpx.AsyncClient, path: str, status: int, caching: str
) -> None:
    """Cookies and API answers are kept nowhere, hashed files for good, others are asked about."""
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == caching
    for name in ONCE:
        assert len(answer.headers.get_list(name)) == 1, name
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    policy = directives(answer.headers["content-security-policy"])
    assert policy["frame-ancestors"] == policy["default-src"] == {"'none'"}
    page = answer.headers["content-type"].startswith("text/html") if answer.content else False
    assert (answer.headers["content-security-policy"] == NOTHING) is not page


async def test_a_file_that_did_not_change_stays_kept(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/assets/a-1234.js")).headers["etag"]
    answer = await client.get("/assets/a-1234.js", headers={"If-None-Match": etag})
    assert answer.status_code == 304
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/", "/staff/", "/index.html"])
async def test_a_page_that_did_not_change_keeps_its_policy(
    client: httpx.AsyncClient, path: str
) -> None:
    """Browsers put the headers of a 304 in the place of those that they kept with the page."""
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    policy = again.headers["content-security-policy"]
    assert policy == first.headers["content-security-policy"] != NOTHING


async def test_what_an_answer_says_itself_and_the_sandbox_are_left_alone(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/private")).headers["set-cookie"] == "a=b"
    answer = await client.get("/sandbox/page")
    assert not set(ONCE) & set(answer.headers)


@pytest.mark.parametrize("path", ["/", "/staff", "/staff/", "/index.html"])
def test_a_page_allows_its_own_inline_parts_and_nothing_unsafe(build: Path, path: str) -> None:
    policy = PagePolicies(build).of(path, [], "ws://portal.test")
    found = directives(policy)
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert found["script-src"] == {"'self'", source_of(INLINE)}
    assert found["style-src"] == {"'self'", source_of("a{}"), source_of("b{}"), source_of("")}
    assert found["style-src-attr"] == {"'unsafe-hashes'", source_of("top:0")}
    assert found["connect-src"] == {"'self'", "ws://portal.test"}
    assert found["form-action"] == {"'self'"}
    assert found["frame-src"] == {"'none'"}


def test_an_unknown_address_has_the_policy_of_the_fallback_page(build: Path) -> None:
    found = directives(PagePolicies(build).of("/pay/ABC", [], "ws://portal.test"))
    assert found["script-src"] == {"'self'", source_of("none()")}


async def test_hsts_is_sent_in_live_mode_only(
    portal: Portal, settings: Settings, build: Path
) -> None:
    live = settings.model_copy(
        update={"portal_mode": Mode.LIVE, "public_url": "https://portal.test"}
    )
    async with client_of(replace(portal, settings=live), build) as client:
        for path in ("/", "/private", "/assets/a-1234.js"):
            answer = await client.get(path)
            assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    async with client_of(portal, build) as client:
        assert "strict-transport-security" not in (await client.get("/")).headers


@pytest.mark.parametrize(
    ("issued", "scripts", "frames", "connections"),
    [
        ({}, set(), {"'none'"}, set()),
        (
            issued_settings("http://sandbox.test/sandbox"),
            {"http://sandbox.test"},
            {"http://sandbox.test"},
            {"http://sandbox.test"},
        ),
        (
            {
                "STRIPE_SECRET_KEY": "sk_live_1",
                "STRIPE_PUBLISHABLE_KEY": "pk_live_1",
                "STRIPE_WEBHOOK_SECRET": "whsec_1",
            },
            {"https://js.stripe.com", "https://*.js.stripe.com"},
            {"https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"},
            {"https://api.stripe.com"},
        ),
    ],
    ids=["without keys", "sandbox", "live"],
)
async def test_only_gateways_in_use_are_allow_listed(
    portal: Portal,
    build: Path,
    issued: dict[str, str],
    scripts: set[str],
    frames: set[str],
    connections: set[str],
) -> None:
    connected = replace(portal, gateways=registry.connect(issued))
    async with client_of(connected, build) as client:
        found = directives((await client.get("/")).headers["content-security-policy"])
    assert found["script-src"] == {"'self'", source_of(INLINE), *scripts}
    assert found["frame-src"] == frames
    assert found["connect-src"] == {"'self'", "ws://portal.test", *connections}
