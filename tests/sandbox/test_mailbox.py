"""The sandbox's mailbox, filled by the portal's own worker."""

from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from payments_app.services import delivery, mail
from payments_app.services.context import Portal
from tests.support.factories import make_user
from tests.support.sandbox import RunningSandbox, sandbox_at, webhook_receiver


async def invite(portal: Portal, sandbox: RunningSandbox, link: str) -> str:
    here = portal.settings.model_copy(update={"sandbox_url": sandbox.origin})
    user = await make_user(portal.db)
    async with portal.db.write() as session:
        await mail.invitation(session, portal.clock(), user, link)
    assert await delivery.deliver_due(replace(portal, settings=here)) == 1
    return user.email


async def test_emails_without_a_mail_server_come_to_the_mailbox(
    portal: Portal, tmp_path: Path
) -> None:
    async with webhook_receiver() as receiver, sandbox_at(tmp_path / "s.db", receiver) as sandbox:
        first = await invite(portal, sandbox, "https://portal.test/join/1")
        second = await invite(portal, sandbox, "https://portal.test/join/2")
        found = (await sandbox.http.get("/mail.json")).json()
        assert [second in found[0]["to"], first in found[1]["to"]] == [True, True]
        (only,) = (await sandbox.http.get("/mail.json", params={"to": first})).json()
        assert "https://portal.test/join/1" in only["text"]
        page = await sandbox.http.get("/mail")
        assert "Your login for Northwind Voice" in page.text
        asked = {"message_id": only["id"]}
        assert (
            "frame-src 'self'"
            in (read := await sandbox.http.get("/mail/read", params=asked)).headers[
                "content-security-policy"
            ]
        )
        assert "https://portal.test/join/1" in read.text
        html = await sandbox.http.get("/mail/html", params=asked)
        assert "sandbox allow-popups" in html.headers["content-security-policy"]
        assert (await sandbox.http.get("/mail/html", params={"message_id": "x"})).status_code == 404


async def test_attached_documents_are_kept(tmp_path: Path) -> None:
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = "<a@b>"
    message.set_content("Here it is.")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="r 1.pdf")
    async with webhook_receiver() as receiver, sandbox_at(tmp_path / "s.db", receiver) as sandbox:
        await sandbox.http.post("/mail", content=message.as_bytes())
        asked = {"message_id": "<a@b>", "name": "r 1.pdf"}
        assert "r 1.pdf" in (await sandbox.http.get("/mail/read", params=asked)).text
        assert (await sandbox.http.get("/mail/attached", params=asked)).content == b"%PDF"
        other = await sandbox.http.get("/mail/attached", params=asked | {"name": "x"})
        assert other.status_code == 404


async def test_a_repeated_message_id_is_one_email(portal: Portal, tmp_path: Path) -> None:
    async with webhook_receiver() as receiver, sandbox_at(tmp_path / "s.db", receiver) as sandbox:
        message = b"Message-ID: <a@b>\r\nSubject: Hello\r\n\r\nText\r\n"
        for _ in range(2):
            assert (await sandbox.http.post("/mail", content=message)).status_code == 202
        assert len((await sandbox.http.get("/mail.json")).json()) == 1
        assert (await sandbox.http.post("/mail", content=b"nothing")).status_code == 422
