"""The story's chapter about the contact list: searches, orders, counts, and views that are kept."""

from datetime import timedelta

from crm.records.contact_search import NO_ADDRESS, ContactSearch, Order
from tests.cast import ALICE_ID, NOW
from tests.contract.gateway.telling import Teller

DAY = timedelta(days=1)
ORDERS: tuple[Order, ...] = ("newest", "name", "company", "activity")
SEARCHES = (
    ContactSearch(text="Ünïted \\co 100%"),
    ContactSearch(text='a,"b"', tag="NULL", owner_id=ALICE_ID),
    ContactSearch(email_statuses=("ok", NO_ADDRESS), unowned=True),
    ContactSearch(active_since=NOW - DAY, created_until=NOW + DAY),
    ContactSearch(quiet_since=NOW, never_active=True, without_campaign=True, archived=True),
)


def search_and_keep(alice: Teller, bob: Teller) -> None:
    for search in SEARCHES:
        alice.contacts.page(search, size=2)
        alice.contacts.count_up_to(2, search)
    for order in ORDERS:
        found = alice.contacts.found_ids(order=order, size=3)
        alice.contacts.found_ids(order=order, before=found[-1], size=3)
    alice.contacts.tags()
    view = alice.saved_views.save(
        'A "view", {x}', {"q": "NULL", "type": []}, is_shared=True, now=NOW
    )
    alice.saved_views.save('a "VIEW", {x}', {}, is_shared=False, now=NOW)
    alice.saved_views.rename(view, "Renamed", is_shared=True, now=NOW)
    bob.saved_views.set_filters(view, {"q": 'ü "\\'}, now=NOW)
    for desk in (alice, bob):
        desk.saved_views.all()
        desk.saved_views.delete(view)
