"""The core of the sandbox, tried with the smallest twin."""

from pathlib import Path

from tests.support.sandbox import Receiver, sandbox_at

from . import toy

CHARGE = {"reference": "R1", "amount": 500, "currency": "USD"}


async def test_charges_and_tells(tmp_path: Path, receiver: Receiver) -> None:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        answer = await running.http.post("/toy/charges", json=CHARGE)
        assert answer.status_code == 201
        (delivery,) = await receiver.wait_for(1)
        assert delivery.path == "/webhooks/toy"
        assert [(e["kind"], e["reference"], e["amount"]) for e in await running.ledger("toy")] == [
            ("charge", "R1", 500)
        ]
