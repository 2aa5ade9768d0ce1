"""What the two suppression lists differ in: who is missing where, and with which reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.suppression_drift import A_PERSONS_WILL, REASONS, Drift, compare, masked

ADDRESS = "grace@customer.example"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bounces", "hard_bounce"),
        ("invalid_emails", "invalid"),
        ("spam_reports", "complaint"),
        ("unsubscribes", "unsubscribed"),
    ],
)
def test_who_stands_only_there_is_missing_here_for_that_reason(name: str, reason: str) -> None:
    assert compare([(name, ADDRESS)], []) == Drift({ADDRESS: reason}, ())


@pytest.mark.parametrize("names", [list(REASONS), list(REASONS)[::-1]])
def test_of_several_lists_the_strongest_says_why(names: list[str]) -> None:
    drift = compare([(name, ADDRESS) for name in names], [])
    assert drift.only_there == {ADDRESS: "complaint"}
    drift = compare([(name, ADDRESS) for name in names if name != "spam_reports"], [])
    assert drift.only_there == {ADDRESS: "unsubscribed"}


@pytest.mark.parametrize("reason", ["unsubscribed", "complaint", "opted_out", "manual"])
def test_a_person_s_will_is_missing_there(reason: str) -> None:
    assert compare([], [(ADDRESS, reason)]) == Drift({}, (ADDRESS,))


@pytest.mark.parametrize("reason", ["hard_bounce", "invalid"])
def test_a_dead_address_is_nothing_to_tell_the_provider(reason: str) -> None:
    assert not compare([], [(ADDRESS, reason)])


@pytest.mark.parametrize("name", REASONS)
@pytest.mark.parametrize("reason", sorted(A_PERSONS_WILL | {"hard_bounce", "invalid"}))
def test_who_stands_on_both_sides_is_no_drift_whatever_the_reasons(name: str, reason: str) -> None:
    assert not compare([(name, ADDRESS)], [(ADDRESS, reason)])


@pytest.mark.parametrize(
    ("spelled", "ours"),
    [
        (" Grace@Customer.Example ", ADDRESS),
        ("info@müller.example", "info@xn--mller-kva.example"),
        ("not.an.address@localhost", "not.an.address@localhost"),
    ],
)
def test_one_address_has_one_spelling(spelled: str, ours: str) -> None:
    assert compare([("unsubscribes", spelled)], []).only_there == {ours: "unsubscribed"}
    assert not compare([("unsubscribes", spelled)], [(ours, "manual")])


@pytest.mark.parametrize("nobodys", ["", "  ", "gräce@customer.example", "no address", "a\x00@b"])
def test_what_can_be_nobody_s_address_is_left_out(nobodys: str) -> None:
    assert not compare([("invalid_emails", nobodys)], [])


def test_it_counts_reasons_the_strongest_first() -> None:
    theirs = [("bounces", "a@x.example"), ("bounces", "b@x.example"), ("unsubscribes", ADDRESS)]
    reasons = compare(theirs, []).reasons_there()
    assert list(reasons.items()) == [("unsubscribed", 1), ("hard_bounce", 2)]


_ADDRESSES = st.integers(0, 12).map(lambda number: f"person{number}@customer.example")
_THEIRS = st.lists(st.tuples(st.sampled_from(list(REASONS)), _ADDRESSES), max_size=20)
_OURS = st.dictionaries(_ADDRESSES, st.sampled_from([*sorted(A_PERSONS_WILL), "hard_bounce"]))


@given(_THEIRS, _OURS)
def test_once_settled_nothing_differs(theirs: list[tuple[str, str]], ours: dict[str, str]) -> None:
    drift = compare(theirs, ours.items())
    assert not set(drift.only_there) & set(ours)
    assert not set(drift.only_here) & {address for _, address in theirs}
    settled_here = {**ours, **drift.only_there}
    settled_there = [*theirs, *(("unsubscribes", address) for address in drift.only_here)]
    assert not compare(settled_there, settled_here.items())
    # Nothing was lifted: what stood on either side still does.
    assert set(ours) <= set(settled_here)


@pytest.mark.parametrize(
    ("address", "shown"),
    [(ADDRESS, "g***@customer.example"), ("a@b.example", "a***@b.example"), ("nobody", "n***")],
)
def test_a_shown_address_names_nobody(address: str, shown: str) -> None:
    assert masked(address) == shown
