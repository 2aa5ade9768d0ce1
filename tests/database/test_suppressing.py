"""add_suppressions: addresses another list knows, each with the gravest reason."""

import pytest

from db_service import DbService
from tests.cast import NOW
from tests.conftest import AContact, PublishedSteps, Raw
from tests.database.sending import live, values

REASONS = ["complaint", "unsubscribed", "opted_out", "manual", "hard_bounce", "invalid"]


def _add(desk: DbService, listed: dict[str, str]) -> int:
    return desk.suppressions.add(list(listed), list(listed.values()), source="sendgrid", now=NOW)


def test_it_counts_the_new_ones_however_they_are_written(service: DbService) -> None:
    assert _add(service, {"a@x.example": "hard_bounce", "b@x.example": "complaint"}) == 2
    assert (
        _add(service, {" A@X.example ": "hard_bounce", "c@x.example": "manual", " ": "manual"}) == 1
    )
    assert [s.email for s in service.suppressions.all()] == [
        "a@x.example",
        "b@x.example",
        "c@x.example",
    ]


@pytest.mark.parametrize("gravest", REASONS)
@pytest.mark.parametrize("other", REASONS)
def test_of_two_reasons_in_one_batch_the_graver_counts(
    service: DbService, raw: Raw, gravest: str, other: str
) -> None:
    if REASONS.index(gravest) > REASONS.index(other):
        gravest, other = other, gravest
    for pair in ([gravest, other], [other, gravest]):
        service.suppressions.add(["a@x.example", "A@x.example"], pair, source="x", now=NOW)
        assert values(raw, "select reason from suppressions") == [gravest]
        raw.execute("delete from suppressions")


def test_a_graver_reason_replaces_a_weaker_one_and_never_the_reverse(
    service: DbService, raw: Raw
) -> None:
    seen = []
    for reason in (
        "invalid",
        "hard_bounce",
        "invalid",
        "unsubscribed",
        "hard_bounce",
        "complaint",
        "unsubscribed",
    ):
        _add(service, {"a@x.example": reason})
        seen += values(raw, "select reason from suppressions")
    assert seen == [
        "invalid",
        "hard_bounce",
        "hard_bounce",
        "unsubscribed",
        "unsubscribed",
        "complaint",
        "complaint",
    ]


def test_its_contacts_are_stopped_at_once(
    service: DbService, raw: Raw, a_contact: AContact, published_steps: PublishedSteps
) -> None:
    published_steps("lead", 1)
    contact, other = a_contact(email="a@x.example"), a_contact()
    _add(service, {"A@x.example": "complaint"})
    assert (live(raw, contact), live(raw, other)) == ([], [("lead", "active")])
    found = service.contacts.get(contact)
    assert found is not None
    assert found.email_status == "complained"


def test_staff_may_suppress_and_outsiders_may_not(
    alice: DbService, charlie: DbService, raw: Raw
) -> None:
    assert _add(alice, {"a@x.example": "manual"}) == 1
    with pytest.raises(Exception, match="may not do this"):
        _add(charlie, {"b@x.example": "manual"})
    assert values(raw, "select email from suppressions") == ["a@x.example"]
