"""References are unique, fit every gateway, and a top-up's names its account."""

from hypothesis import given
from hypothesis import strategies as st

from payments_app.services.references import account_of, new_reference, top_up_reference


@given(st.integers(1, 2**40))
def test_a_top_up_s_reference_names_its_account(account_id: int) -> None:
    reference = top_up_reference(account_id)
    assert account_of(reference) == account_id
    assert len(reference) == 16
    assert reference.isalnum()
    assert reference.isupper()
    assert reference != top_up_reference(account_id)


@given(st.text(max_size=20) | st.text("0123456789ABCDEFPZ", min_size=16, max_size=16))
def test_no_other_text_is_misread_with_a_fault(text: str) -> None:
    account = account_of(text)
    assert account is None or account >= 0


def test_other_references_name_no_account() -> None:
    assert {account_of(new_reference(prefix)) for prefix in "PRDA" for _ in range(50)} == {None}
