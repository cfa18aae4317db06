"""The event socket itself: malformed frames, other tabs' names, other sites, floods, replays."""

import json
from contextlib import AsyncExitStack

import aiohttp
import pytest
from socketio.exceptions import ConnectionError as Refused

from payments_app.state.door import SOCKETS_PER_SESSION
from payments_app.state.notice import TOO_FAST
from payments_app.state.pace import BURST
from payments_app.state.payments import PaymentsState
from payments_app.state.session import SessionState
from tests.attack.sockets import HYDRATE, RawSocket, handler, pay, tab
from tests.attack.target import CANARY, Target
from tests.support.roles import Kind
from tests.support.sandbox import eventually

BOOT = json.dumps({"event": {"name": HYDRATE, "router_data": {"pathname": "/login"}}})
EVENT = '42/_event,["event",{"name":"' + HYDRATE + '","payload":{"vars":%s}}]'
FRAMES = [
    "",
    "x",
    "9",
    "4",
    "42",
    "42[",
    "44",
    "450-",
    '450-["a"]',
    '4599999999-["a",{"_placeholder":true,"num":0}]',
    "40/other," + BOOT,
    "40/_event," + BOOT,
    "42/_event,[]",
    "42/_event,5",
    "42/_event,{}",
    "42/_event,[5]",
    "42/_event,[null]",
    "42/_event," + "[" * 30_000,
    '42/_event,["event"]',
    '42/_event,["event",1,2,3]',
    '42/_event,["ping",1]',
    '42/_event,["client_error"]',
    '42/_event,["client_error",{"error_type":"\\n2026 [error] forged","message":[{}]}]',
    '42/_event,["connect",{"QUERY_STRING":"token=victim"},{}]',
    '42/_event,["disconnect","bye"]',
    '42/_event,["__class__"]',
    '43/_event,99["x"]',
    EVENT % "NaN",
    EVENT % "1e999",
    EVENT % '{"\\ud800":"x"}',
    EVENT % ('"' + "x" * 70_000 + '"'),
    EVENT % ("[" * 5000 + "]" * 5000),
    b"\0\1",
    b"",
]


def login(kind: Kind, target: Target) -> str:
    return target.tokens[kind]


async def test_malformed_frames_end_at_most_their_own_connection(unharmed: Target) -> None:
    address = unharmed.portal.url.replace("http", "ws") + "/_event/?EIO=4&transport=websocket"
    cookie = f"portal_session={login(Kind.OWNER, unharmed)}"
    headers = {"Origin": unharmed.portal.url, "Cookie": cookie}
    async with aiohttp.ClientSession(headers=headers) as http:
        for number, frame in enumerate(FRAMES):
            async with http.ws_connect(f"{address}&token=frame{number}") as socket:
                await socket.receive()
                await socket.send_str("40/_event," + BOOT)
                await socket.receive()
                send = socket.send_bytes if isinstance(frame, bytes) else socket.send_str
                await send(frame)
                await socket.close()
    async with tab(unharmed, login(Kind.OWNER, unharmed)) as raw:
        await raw.all_done()
    assert "\n2026 [error] forged" not in unharmed.portal.log_path.read_text()


async def test_unknown_names_and_forms_are_dropped_without_a_word(unharmed: Target) -> None:
    secret = "4242424242424242"
    async with tab(unharmed, login(Kind.CUSTOMER, unharmed)) as raw:
        for sent in (
            secret,
            [secret],
            {"name": secret},
            {"name": "no.such.event", "payload": {"card": secret}},
            {"name": f"{secret}\n", "payload": {}},
            {"name": {"card": secret}},
            {"name": HYDRATE, "payload": [secret]},
            {"name": HYDRATE, "payload": {"vars": {secret: secret}}},
            {"name": HYDRATE, "router_data": secret},
            {"name": HYDRATE, "router_data": {"pathname": [secret], "query": {"x": {}}}},
        ):
            await raw.emit(sent)
        await raw.all_done()
    log = unharmed.news()
    assert "cause='unknown event'" in log
    assert secret not in log.replace(f"event_name={secret}", "")


@pytest.mark.parametrize("auth", [{}, {"event": 5}, {"event": {"name": "no.such"}}, ["x"], "x"])
async def test_a_socket_that_begins_with_no_event_is_refused(
    unharmed: Target, auth: object
) -> None:
    """It could else take a closed tab's name and be told, without asking, what that tab is told."""
    raw = RawSocket(unharmed.portal.url, login(Kind.CUSTOMER, unharmed), "", "/")
    with pytest.raises(Refused):
        await raw.connect(auth=auth)


async def test_other_sites_open_no_socket(unharmed: Target) -> None:
    for origin in ("https://evil.test", "null", f"{unharmed.portal.url}.evil.test"):
        raw = RawSocket(unharmed.portal.url, login(Kind.CUSTOMER, unharmed), "", "/")
        with pytest.raises(Refused):
            await raw.connect(origin=origin)


@pytest.mark.parametrize("kind", [Kind.NOBODY, Kind.CUSTOMER, Kind.VIEWING])
async def test_rule_9_another_tabs_name_opens_nothing_of_it(unharmed: Target, kind: Kind) -> None:
    async with tab(unharmed, unharmed.victim, path="/") as own:
        await own.send(handler(PaymentsState, "load"), {})
        await own.until_heard(CANARY)
        async with tab(unharmed, login(kind, unharmed), token=own.name) as thief:
            await thief.all_done()
            assert CANARY not in thief.said()
    async with tab(unharmed, login(kind, unharmed), token=own.name) as thief:
        await thief.send(handler(SessionState, "session_changed"), {})
        await thief.all_done()
        assert CANARY not in thief.said()


async def test_rule_9_what_a_closed_tab_began_is_not_told_to_another_session(
    unharmed: Target,
) -> None:
    for _ in range(10):
        async with tab(unharmed, unharmed.victim, path="/") as own:
            await own.send(handler(PaymentsState, "load"), {})
        async with tab(unharmed, login(Kind.CUSTOMER, unharmed), token=own.name) as thief:
            await thief.all_done()
            assert thief.name != own.name
            assert CANARY not in thief.said()


async def test_a_tab_comes_back_under_its_name_and_a_second_one_gets_its_own(
    unharmed: Target,
) -> None:
    async with tab(unharmed, unharmed.victim) as first:
        await first.all_done()
    async with tab(unharmed, unharmed.victim, token=first.name) as again:
        await again.all_done()
        assert again.name == first.name
        async with tab(unharmed, unharmed.victim, token=first.name) as copy:
            await copy.all_done()
            assert copy.name != first.name


async def test_a_flood_is_slowed_and_told_and_nobody_else_waits(unharmed: Target) -> None:
    event = handler(PaymentsState, "load")
    async with (
        tab(unharmed, login(Kind.CUSTOMER, unharmed)) as flooder,
        tab(unharmed, unharmed.victim) as other,
    ):
        for _ in range(BURST * 3):
            await flooder.send(event, {})
        await other.send(event, {})
        await other.until_heard(CANARY)
        await flooder.until_heard(TOO_FAST)


async def test_a_session_holds_only_so_many_sockets(unharmed: Target) -> None:
    session = login(Kind.FINANCE, unharmed)
    async with AsyncExitStack() as stack:
        for _ in range(SOCKETS_PER_SESSION):
            await stack.enter_async_context(tab(unharmed, session))
        with pytest.raises(Refused):
            await stack.enter_async_context(tab(unharmed, session))
        await stack.enter_async_context(tab(unharmed, login(Kind.VIEWER, unharmed)))

    async def opens() -> bool:
        try:
            async with tab(unharmed, session):
                return True
        except Refused:
            return False

    await eventually(opens)


async def test_a_replayed_press_of_pay_pays_once(standing: Target) -> None:
    payments = "select count(*) from payment where account_id = ?"
    before = standing.count(payments, standing.foreign["account_id"])
    async with tab(standing, standing.victim) as raw:
        await pay(raw, "31.00", presses=10)
        assert raw.shown["step"] == "leaving"
        await raw.all_done()
    assert standing.count(payments, standing.foreign["account_id"]) == before + 1
