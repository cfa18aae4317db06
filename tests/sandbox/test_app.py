"""The sandbox put together: its pages, its memory, its settings, and as a process of its own."""

import asyncio
import signal
import sys
from pathlib import Path

import httpx
import pytest

from payments_app.sandbox.app import issued_settings
from payments_app.sandbox.registry import TWINS
from tests.support.sandbox import Receiver, RunningSandbox, eventually, free_port, sandbox_at

from . import toy

CHARGE = {"reference": "R1", "amount": 500, "currency": "USD"}


async def test_every_key_says_sandbox() -> None:
    issued = issued_settings("http://127.0.0.1:1/sandbox")
    assert issued
    for name, text in issued.items():
        assert "sandbox" in text, name


async def test_a_refused_request_leaves_nothing(tmp_path: Path, receiver: Receiver) -> None:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        refused = await running.http.post("/toy/charges", json={**CHARGE, "amount": 0})
        assert (refused.status_code, refused.json()) == (400, {"error": "amount"})
        assert await running.ledger("toy") == []


async def test_remembers_after_a_restart_and_forgets_on_request(
    tmp_path: Path, receiver: Receiver
) -> None:
    store = tmp_path / "s.db"
    async with sandbox_at(store, receiver, twins=(toy.TWIN,)) as running:
        made = (await running.http.post("/toy/charges", json=CHARGE)).json()
    async with sandbox_at(store, receiver, twins=(toy.TWIN,)) as running:
        assert (await running.http.get(f"/toy/charges/{made['id']}")).json() == made
        assert len(await running.ledger("toy")) == 1
        assert (await running.http.post("/empty")).status_code == 303
        assert (await running.http.get(f"/toy/charges/{made['id']}")).status_code == 404
        assert await running.ledger("toy") == []


async def test_ledger_by_reference_and_in_pages(tmp_path: Path, receiver: Receiver) -> None:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        for reference in ("R1", "R2", "R1"):
            await running.http.post("/toy/charges", json={**CHARGE, "reference": reference})
        mine = (await running.http.get("/ledger/toy?reference=R1")).json()["entries"]
        assert [entry["seq"] for entry in mine] == [1, 3]
        rest = (await running.http.get("/ledger/toy?after=1&limit=1")).json()["entries"]
        assert [entry["reference"] for entry in rest] == ["R2"]


async def test_overview_and_its_forms(tmp_path: Path, receiver: Receiver) -> None:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        hostile = {**CHARGE, "reference": "<script>alert(1)</script>"}
        await running.http.post("/toy/charges", json=hostile)
        await receiver.wait_for(1)
        form = {"fault": "webhook_duplicate", "value": "3", "times": "", "on_call": ""}
        answer = await running.http.post("/set/toy", data=form)
        page = await running.http.get(answer.url.join(answer.headers["location"]))
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "webhook_duplicate" in page.text
        assert "charge.paid" in page.text
        await running.http.post("/reset/toy")
        assert (await running.http.get("/faults/toy")).json() == []
        wrong = await running.http.post("/set/toy", data={**form, "value": "many"})
        assert wrong.status_code == 422


async def test_hosted_page_escapes_and_goes_back(tmp_path: Path, receiver: Receiver) -> None:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        page = await running.http.get("/toy/pay", params={"description": "<b>&"})
        assert "&lt;b&gt;&amp;" in page.text
        assert "no money moves" in page.text
        assert 'name="token" value="a&amp;b"' in page.text
        style = await running.http.get("/static/sandbox.css")
        assert style.headers["content-type"].startswith("text/css")
        done = await running.http.post("/toy/approve")
        assert done.headers["location"] == "http://127.0.0.1:1/return?payment=7&token=a%26b"


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.code)
async def test_overview_of_every_twin(running_sandbox: RunningSandbox, twin: toy.Twin) -> None:
    page = await running_sandbox.http.get("/", params={"gateway": twin.code})
    assert twin.name in page.text
    assert (await running_sandbox.http.get("/?gateway=none")).status_code == 404


async def test_runs_alone(tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "payments_app.sandbox", "--port", str(port)),
        *("--portal", "http://127.0.0.1:1", "--store", str(tmp_path / "deep" / "s.db")),
        stdout=asyncio.subprocess.PIPE,
    )
    async with httpx.AsyncClient() as http:

        async def answers() -> bool:
            try:
                page = await http.get(f"http://127.0.0.1:{port}/sandbox/")
            except httpx.ConnectError:
                return False
            return page.status_code == 200

        await eventually(answers)
    process.send_signal(signal.SIGTERM)
    told, _ = await process.communicate()
    assert process.returncode == 0
    assert f"STRIPE_API_BASE=http://127.0.0.1:{port}/sandbox/stripe" in told.decode()
