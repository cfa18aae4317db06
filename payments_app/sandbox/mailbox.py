"""The mailbox at /sandbox/mail: takes every e-mail of the portal, and people read them here."""

from base64 import b64decode, b64encode
from email import message_from_bytes, policy
from email.message import EmailMessage

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from payments_app.sandbox.pages import render
from payments_app.sandbox.store import Document, Store
from payments_app.sandbox.twin import Answer

router = APIRouter()

_BOX = "mailbox"
_ROWS = 50
_HTML_CSP = (
    "default-src 'none'; style-src 'unsafe-inline';"
    " sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""For the HTML of an e-mail: nothing runs or is loaded, links open in a tab of their own."""


@router.post("/mail", status_code=202)
async def take_in(request: Request) -> Response:
    """Take one e-mail (RFC 5322); one whose Message-ID is here already takes its place."""
    message = message_from_bytes(await request.body(), policy=policy.default)
    if not isinstance(message, EmailMessage) or not message["Message-ID"]:
        raise Answer(422, {"error": "no Message-ID"})
    letter: Document = {
        "id": str(message["Message-ID"]),
        "from": str(message["From"]),
        "to": str(message["To"]),
        "subject": str(message["Subject"]),
        "date": str(message["Date"]),
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "attached": {
            str(part.get_filename()): b64encode(part.get_content()).decode()
            for part in message.iter_attachments()
        },
    }
    async with _store(request).transaction(_BOX) as tx:
        await tx.put("mail", letter["id"], letter)
    return Response(status_code=202)


@router.get("/mail")
async def mailbox(request: Request, to: str = "") -> Response:
    """The newest e-mails, of one receiver if asked."""
    return render("mailbox.html", **_frame(request), mails=await _newest(request, to), to=to)


@router.get("/mail.json")
async def mailbox_json(request: Request, to: str = "") -> list[Document]:
    """List the newest e-mails, newest first."""
    return await _newest(request, to)


@router.get("/mail/read")
async def read(request: Request, message_id: str) -> Response:
    """Show one e-mail, as HTML and as text."""
    mail = await _find(request, message_id)
    return render("mail.html", **_frame(request), mail=mail)


@router.get("/mail/html")
async def html_part(request: Request, message_id: str) -> HTMLResponse:
    """The HTML of an e-mail, for the frame in its page."""
    mail = await _find(request, message_id)
    headers = {"Content-Security-Policy": _HTML_CSP, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(mail["html"], headers=headers)


@router.get("/mail/attached")
async def attached(request: Request, message_id: str, name: str) -> Response:
    """One document of an e-mail, as a download."""
    mail = await _find(request, message_id)
    if name not in mail["attached"]:
        raise Answer(404, {"error": "no such document"})
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    content = b64decode(mail["attached"][name])
    return Response(content, media_type="application/octet-stream", headers=headers)


def _part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    return str(body.get_content()) if body is not None else ""


def _frame(request: Request) -> Document:
    return {"root": request.scope.get("root_path", "")}


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _newest(request: Request, to: str) -> list[Document]:
    async with _store(request).transaction(_BOX) as tx:
        found = await tx.find("mail", limit=_ROWS if not to else 1000)
    return [mail for mail in found if to.lower() in mail["to"].lower()][:_ROWS]


async def _find(request: Request, message_id: str) -> Document:
    async with _store(request).transaction(_BOX) as tx:
        mail = await tx.get("mail", message_id)
    if mail is None:
        raise Answer(404, {"error": "no such e-mail"})
    return mail
