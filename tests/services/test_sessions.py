"""A user's own sessions, and staff who look at an account as its customers do."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from payments_app.db.models import User
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import checkout, sessions
from payments_app.services.accounts import identify, log_out
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from payments_app.services.devices import UNKNOWN, device
from payments_app.services.identity import Identity
from tests.services.conftest import Shop
from tests.support.clock import Clock
from tests.support.factories import make_account, make_session, make_user
from tests.support.logins import log_in_as


async def who_is(portal: Portal, token: str) -> Identity:
    who = await identify(portal, token)
    assert who is not None
    return who


async def actions(portal: Portal) -> list[tuple[str, str, str]]:
    async with portal.db.read() as session:
        rows = (await session.execute(select(AuditEntry).order_by(col(AuditEntry.id)))).scalars()
        return [(row.action, row.subject, row.address) for row in rows]


@pytest.fixture
async def user(portal: Portal) -> User:
    return await make_user(portal.db, await make_account(portal.db))


async def test_own_sessions_are_listed_this_one_first(
    portal: Portal, user: User, clock: Clock
) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"
    await make_session(
        portal.db, user, last_seen_at=clock.now, user_agent=agent, address="192.0.2.7"
    )
    await make_session(portal.db, user, last_seen_at=clock.now, revoked_at=clock.now)
    await make_session(portal.db, await make_user(portal.db), last_seen_at=clock.now)
    who = await who_is(portal, await log_in_as(portal, user))
    this, other = await sessions.own_sessions(portal, who)
    assert (this.is_this, other.is_this) == (True, False)
    assert (other.device, other.address) == ("Chrome on Linux", "192.0.2.7")
    assert other.last_seen.startswith("Jul 1, 2026")


async def test_one_session_is_signed_out_and_its_tabs_are_told(portal: Portal, user: User) -> None:
    told: list[str] = []

    async def listen(topic: str) -> None:
        told.append(topic)

    portal.feed.subscribe_topics(listen)
    here, there = await log_in_as(portal, user), await log_in_as(portal, user)
    who, gone = await who_is(portal, here), await who_is(portal, there)
    await sessions.sign_out(portal, who, gone.session_id, "192.0.2.1")
    assert await identify(portal, there) is None
    assert await identify(portal, here)
    assert told == [f"session:{gone.session_id}"]
    assert await actions(portal) == [("session_ended", f"user:{user.id}", "192.0.2.1")]


async def test_signing_out_everywhere_keeps_this_session(portal: Portal, user: User) -> None:
    here, *others = [await log_in_as(portal, user) for _ in range(3)]
    await sessions.sign_out_elsewhere(portal, await who_is(portal, here), "")
    assert await identify(portal, here)
    assert [await identify(portal, token) for token in others] == [None, None]


async def test_rule_9_nobody_elses_session_can_be_ended(portal: Portal, user: User) -> None:
    other = await log_in_as(portal, await make_user(portal.db))
    who = await who_is(portal, await log_in_as(portal, user))
    with pytest.raises(NotFound):
        await sessions.sign_out(portal, who, (await who_is(portal, other)).session_id, "")
    assert await identify(portal, other)


async def test_logging_out_is_written_down(portal: Portal, user: User) -> None:
    await log_out(portal, await log_in_as(portal, user), "192.0.2.1")
    assert await actions(portal) == [("logged_out", f"user:{user.id}", "192.0.2.1")]


async def test_viewing_shows_the_account_and_is_written_down_at_both_ends(portal: Portal) -> None:
    account = await make_account(portal.db, name="Analytical Engines", home_currency="GBP")
    token = await log_in_as(portal, await make_user(portal.db, role=Role.VIEWER))
    staff = await who_is(portal, token)
    await sessions.view_as(portal, staff, account.key, "192.0.2.1")
    who = await who_is(portal, token)
    assert (who.account_id, who.account_name, who.home_currency) == (
        account.id,
        "Analytical Engines",
        "GBP",
    )
    assert (who.read_only, who.is_staff, who.may(Role.VIEWER)) == (True, False, False)
    assert (who.user_id, who.email) == (staff.user_id, staff.email)
    await sessions.stop_viewing(portal, who, "192.0.2.1")
    assert await who_is(portal, token) == staff
    assert await actions(portal) == [
        ("view_as_customer_began", f"account:{account.id}", "192.0.2.1"),
        ("view_as_customer_ended", f"account:{account.id}", "192.0.2.1"),
    ]


async def test_customers_view_no_account_and_staff_no_missing_one(
    portal: Portal, user: User
) -> None:
    other = await make_account(portal.db)
    token = await log_in_as(portal, user)
    with pytest.raises(NotAllowed):
        await sessions.view_as(portal, await who_is(portal, token), other.key, "")
    staff = await who_is(portal, await log_in_as(portal, await make_user(portal.db)))
    with pytest.raises(NotFound):
        await sessions.view_as(portal, staff, 999, "")
    assert await actions(portal) == []


async def test_the_services_refuse_to_pay_for_who_only_looks(shop: Shop) -> None:
    token = await log_in_as(shop.portal, await make_user(shop.portal.db))
    paid = await shop.start()
    await sessions.view_as(
        shop.portal, await who_is(shop.portal, token), shop.who.own_account(), ""
    )
    who = await who_is(shop.portal, token)
    order = TopUp("till", Money(5000, "USD"), "key-2")
    assert (await checkout.progress(shop.portal, who, paid.reference)).reference == paid.reference
    for attempt in (
        checkout.start(shop.portal, who, order),
        checkout.check(shop.portal, who, paid.reference),
        checkout.cancel(shop.portal, who, paid.reference),
    ):
        with pytest.raises(NotAllowed):
            await attempt


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/131.0 Safari/537.36 Edg/131",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:132.0) Gecko Firefox/132.0", "Firefox on Android"),
        ("curl/8.9", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_devices_are_named_in_plain_words(agent: str, name: str) -> None:
    assert device(agent) == name
