"""The cast of every test: two sales people, an admin, and an outsider who must have no access."""

from datetime import UTC, datetime

from crm.database.gateway import Identity, signed_in

# A Tuesday, 11:00 in New York: inside every send window, and no holiday there.
NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)

ALICE_ID = "a11ce000-0000-4000-8000-000000000001"
BOB_ID = "b0b00000-0000-4000-8000-000000000002"
CAROL_ID = "ca201000-0000-4000-8000-000000000003"
CHARLIE_ID = "c4a211e0-0000-4000-8000-000000000004"

ALICE = signed_in(ALICE_ID)  # sales
BOB = signed_in(BOB_ID)  # admin
CAROL = signed_in(CAROL_ID)  # sales, owner of "others' rows"
CHARLIE = signed_in(CHARLIE_ID)  # signed in, but no longer active staff
ANON = Identity("anon")

PROFILES = [
    (ALICE_ID, "alice@mpt.example", "Alice Sales", "sales", True),
    (BOB_ID, "bob@mpt.example", "Bob Admin", "admin", True),
    (CAROL_ID, "carol@mpt.example", "Carol Sales", "sales", True),
    (CHARLIE_ID, "charlie@mpt.example", "Charlie Outsider", "admin", False),
]
