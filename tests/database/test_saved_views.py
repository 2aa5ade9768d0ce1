"""Saved views: one's own, what is shared, and who may change what of it."""

from collections.abc import Mapping

import pytest

from crm.records.saved_views import SavedView
from db_service import ConflictError, DbService, InvalidValueError
from tests.cast import ALICE_ID, NOW

FILTERS: Mapping[str, object] = {"q": 'o\'neil, "x"', "type": ["lead", "client"], "sort": "name"}


def _names(desk: DbService) -> list[str]:
    return [view.name for view in desk.saved_views.all()]


def test_a_view_comes_back_as_it_was_saved(alice: DbService) -> None:
    key = alice.saved_views.save("Mine", FILTERS, is_shared=False, now=NOW)
    assert alice.saved_views.all() == [SavedView(key, ALICE_ID, "Mine", FILTERS, False)]


def test_colleagues_see_what_is_shared_and_nothing_else(
    alice: DbService, carol: DbService, bob: DbService, charlie: DbService
) -> None:
    alice.saved_views.save("Private", FILTERS, is_shared=False, now=NOW)
    alice.saved_views.save("Shared", FILTERS, is_shared=True, now=NOW)
    assert _names(alice) == ["Private", "Shared"]
    assert _names(carol) == _names(bob) == ["Shared"], "an admin does not read what is private"
    assert _names(charlie) == []


def test_only_its_owner_changes_a_view_and_an_admin_what_is_shared(
    alice: DbService, carol: DbService, bob: DbService
) -> None:
    private = alice.saved_views.save("Private", {}, is_shared=False, now=NOW)
    shared = alice.saved_views.save("Shared", {}, is_shared=True, now=NOW)
    for key in (private, shared):
        assert not carol.saved_views.rename(key, "Taken", is_shared=False, now=NOW)
        assert not carol.saved_views.set_filters(key, FILTERS, now=NOW)
        assert not carol.saved_views.delete(key)
    assert not bob.saved_views.delete(private)
    assert bob.saved_views.set_filters(shared, FILTERS, now=NOW)
    assert bob.saved_views.rename(shared, "Better", is_shared=True, now=NOW)
    assert alice.saved_views.rename(private, "Own", is_shared=False, now=NOW)
    assert _names(alice) == ["Better", "Own"]
    assert bob.saved_views.delete(shared)
    assert alice.saved_views.delete(private)
    assert not alice.saved_views.delete(private), "it is gone already"
    assert _names(alice) == []


def test_an_admin_cannot_hide_a_colleagues_view(alice: DbService, bob: DbService) -> None:
    shared = alice.saved_views.save("Shared", {}, is_shared=True, now=NOW)
    assert bob.saved_views.rename(shared, "Shared", is_shared=True, now=NOW)
    assert alice.saved_views.all()[0].owner_id == ALICE_ID, "nor take it over"


def test_two_views_of_one_person_never_share_a_name(alice: DbService, carol: DbService) -> None:
    alice.saved_views.save("Leads", {}, is_shared=True, now=NOW)
    other = alice.saved_views.save("Others", {}, is_shared=False, now=NOW)
    with pytest.raises(ConflictError):
        alice.saved_views.save("LEADS", {}, is_shared=False, now=NOW)
    with pytest.raises(ConflictError):
        alice.saved_views.rename(other, "leads", is_shared=False, now=NOW)
    carol.saved_views.save("Leads", {}, is_shared=False, now=NOW)
    assert _names(carol) == ["Leads", "Leads"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_name_that_cannot_be_shown_is_refused(alice: DbService, name: str) -> None:
    with pytest.raises(InvalidValueError):
        alice.saved_views.save(name, {}, is_shared=False, now=NOW)
    assert alice.saved_views.all() == []
