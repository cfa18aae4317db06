"""The fault knobs on the wire and where money is written, with the smallest twin."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.sandbox import Receiver, RunningSandbox, sandbox_at

from . import toy

CHARGE = {"reference": "R1", "amount": 500, "currency": "USD"}


@pytest.fixture
async def toys(tmp_path: Path, receiver: Receiver) -> AsyncIterator[RunningSandbox]:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        yield running


async def charge(running: RunningSandbox, key: str = "k") -> httpx.Response:
    headers = {"Idempotency-Key": key}
    return await running.http.post("/toy/charges", json=CHARGE, headers=headers, timeout=0.5)


async def counters(running: RunningSandbox) -> list[tuple[str, int, int]]:
    rows = (await running.http.get("/faults/toy")).json()
    return [(row["fault"], row["seen"], row["fired"]) for row in rows]


@pytest.mark.parametrize(("fault", "charged"), [("timeout_before", 0), ("timeout_after", 1)])
async def test_timeout(toys: RunningSandbox, fault: str, charged: int) -> None:
    await toys.fault("toy", **{fault: {"times": 1}})
    with pytest.raises(httpx.ReadTimeout):
        await charge(toys)
    assert len(await toys.ledger("toy")) == charged
    assert (await charge(toys)).status_code == 201
    assert len(await toys.ledger("toy")) == 1


async def test_reset_after_the_work(toys: RunningSandbox) -> None:
    await toys.fault("toy", reset={"times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await charge(toys)
    assert (await charge(toys)).json()["amount"] == 500
    assert len(await toys.ledger("toy")) == 1


async def test_errors_in_the_providers_words(toys: RunningSandbox) -> None:
    await toys.fault("toy", server_error={"times": 1, "value": 503}, rate_limit={"value": 7})
    failed, limited = await charge(toys), await charge(toys)
    assert (failed.status_code, failed.json()) == (503, {"error": 503})
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert await toys.ledger("toy") == []
    assert (await toys.http.delete("/faults/toy")).status_code == 204
    assert (await charge(toys)).status_code == 201


async def test_error_after_the_work(toys: RunningSandbox) -> None:
    await toys.fault("toy", error_after={"times": 1})
    failed = await charge(toys)
    assert (failed.status_code, failed.json()) == (500, {"error": 500})
    assert (await charge(toys)).json()["amount"] == 500
    assert len(await toys.ledger("toy")) == 1


async def test_malformed(toys: RunningSandbox) -> None:
    await toys.fault("toy", malformed={"times": 1})
    with pytest.raises(json.JSONDecodeError):
        (await charge(toys)).json()
    assert (await charge(toys)).json()["status"] == "paid"


async def test_unexpected(toys: RunningSandbox) -> None:
    for which, body in enumerate(({}, [], None, "ok")):
        await toys.fault("toy", unexpected={"times": 1, "value": which})
        assert (await charge(toys)).json() == body
    assert (await charge(toys)).json()["status"] == "paid"
    assert len(await toys.ledger("toy")) == 1


async def test_slow_drip_outlasts_every_single_wait_but_arrives_whole(
    toys: RunningSandbox,
) -> None:
    await toys.fault("toy", slow_drip={"times": 1, "value": 2})
    dripped = await charge(toys)
    assert dripped.elapsed.total_seconds() > len(dripped.content) * 0.002
    assert dripped.json() == (await charge(toys)).json()


async def test_wrong_money_is_what_the_ledger_says(toys: RunningSandbox) -> None:
    await toys.fault("toy", wrong_amount={"value": -100, "times": 1})
    await toys.fault("toy", wrong_currency={"times": 2}, unknown_status={"times": 1})
    first, second, third = [(await charge(toys, key)).json() for key in "abc"]
    assert (first["amount"], first["currency"], first["status"]) == (400, "EUR", "sandbox_unknown")
    assert (second["amount"], second["currency"], second["status"]) == (500, "EUR", "paid")
    assert (third["amount"], third["currency"]) == (500, "USD")
    booked = [(entry["amount"], entry["currency"]) for entry in await toys.ledger("toy")]
    assert booked == [(400, "EUR"), (500, "EUR"), (500, "USD")]


async def test_only_the_calls_named(toys: RunningSandbox) -> None:
    await toys.fault("toy", server_error={"on_call": "GET /sandbox/toy/charges/"})
    made = await charge(toys)
    assert made.status_code == 201
    assert (await toys.http.get(f"/toy/charges/{made.json()['id']}")).status_code == 500
    assert await counters(toys) == [("server_error", 1, 1)]


async def test_percent_is_the_same_for_the_same_seed(toys: RunningSandbox) -> None:
    runs = []
    for run, seed in enumerate((7, 7, 8)):
        await toys.fault("toy", server_error={"percent": 40, "seed": seed})
        runs.append([(await charge(toys, f"{run}{i}")).status_code for i in range(30)])
        ((_, seen, fired),) = await counters(toys)
        assert (seen, fired) == (30, runs[-1].count(500))
    assert runs[0] == runs[1] != runs[2]
    assert 0 < runs[0].count(500) < 30


async def test_pages_and_unknown_knobs(toys: RunningSandbox) -> None:
    await toys.fault("toy", server_error={}, timeout_before={})
    page = await toys.http.get("/toy/pay", params={"description": "x"})
    assert page.status_code == 200
    assert (await toys.http.put("/faults/toy", json={"nonsense": {}})).status_code == 422
    assert (await toys.http.put("/faults/none", json={})).status_code == 404
