"""Staff keep views of the list of payments for themselves."""

import pytest

from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.payment import PaymentStatus, Role
from payments_app.services import saved_views
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.staff_view import StaffView
from tests.support.factories import identity_of, make_account, make_user

PENDING = StaffView(status=(PaymentStatus.PENDING,), search="week")


async def staff(portal: Portal, role: Role = Role.VIEWER) -> Identity:
    return identity_of(await make_user(portal.db, role=role))


async def names(portal: Portal, who: Identity) -> list[str]:
    return [view.name for view in await saved_views.views(portal, who)]


async def test_a_view_keeps_filters_and_columns(portal: Portal) -> None:
    who = await staff(portal)
    await saved_views.save(portal, who, "  Open   ones ", PENDING, "fee,age")
    (view,) = await saved_views.views(portal, who)
    assert (view.name, view.hidden) == ("Open ones", "fee,age")
    assert StaffView.from_query(view.query) == PENDING


async def test_the_same_name_replaces(portal: Portal) -> None:
    who = await staff(portal)
    first = await saved_views.save(portal, who, "Mine", PENDING, "")
    second = await saved_views.save(portal, who, "Mine", StaffView(), "fee")
    assert second.id == first.id
    assert await saved_views.views(portal, who) == (second,)


async def test_views_are_listed_by_name_and_renamed_and_deleted(portal: Portal) -> None:
    who = await staff(portal)
    kept = {name: await saved_views.save(portal, who, name, PENDING, "") for name in "bCa"}
    assert await names(portal, who) == ["a", "b", "C"]
    await saved_views.rename(portal, who, kept["a"].id, "z")
    with pytest.raises(InvalidRequest, match="taken"):
        await saved_views.rename(portal, who, kept["b"].id, "C")
    await saved_views.rename(portal, who, kept["b"].id, "b")
    await saved_views.delete(portal, who, kept["C"].id)
    assert await names(portal, who) == ["b", "z"]


async def test_another_users_views_can_neither_be_seen_nor_changed(portal: Portal) -> None:
    who, other = await staff(portal), await staff(portal, Role.OWNER)
    view = await saved_views.save(portal, who, "Mine", PENDING, "")
    await saved_views.save(portal, other, "Mine", StaffView(), "")
    with pytest.raises(NotFound):
        await saved_views.rename(portal, other, view.id, "Yours")
    with pytest.raises(NotFound):
        await saved_views.delete(portal, other, view.id)
    assert await saved_views.views(portal, who) == (view,)


@pytest.mark.parametrize("name", ["", "  \n", "x" * 61, "a\x00b"])
async def test_a_name_that_is_none_is_refused(portal: Portal, name: str) -> None:
    who = await staff(portal)
    with pytest.raises(InvalidRequest):
        await saved_views.save(portal, who, name, PENDING, "")
    assert await names(portal, who) == []


async def test_nobody_keeps_views_without_end(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    who = await staff(portal)
    for name in ("a", "b"):
        await saved_views.save(portal, who, name, PENDING, "")
    with pytest.raises(InvalidRequest, match="too_many"):
        await saved_views.save(portal, who, "c", PENDING, "")
    await saved_views.save(portal, who, "a", StaffView(), "")


async def test_customers_have_none(portal: Portal) -> None:
    account = await make_account(portal.db)
    customer = identity_of(await make_user(portal.db, account), account)
    with pytest.raises(NotAllowed):
        await saved_views.views(portal, customer)
