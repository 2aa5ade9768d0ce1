"""The story's chapter about colleagues: invited, promoted, sent away and let in again."""

from tests import cast
from tests.cast import NOW
from tests.contract.gateway.telling import Teller


def invite_and_promote(service: Teller, alice: Teller, bob: Teller) -> None:
    eve = {"email": "eve@mpt.example", "full_name": 'Eve "E", Jr.'}
    bob.people.invite(**eve, role="sales", now=NOW)
    bob.people.invite(**eve, role="admin", now=NOW)
    bob.people.invite(email="carol@mpt.example", full_name="Carol", role="sales", now=NOW)
    alice.people.invite(**eve, role="admin", now=NOW)
    bob.people.invitations()
    alice.people.invitations()
    for address in ("Eve@mpt.example", "carol@mpt.example", "nobody@mpt.example"):
        service.people.may_sign_in(address)
    alice.people.may_sign_in("eve@mpt.example")
    alice.people.withdraw("eve@mpt.example")
    bob.people.withdraw("eve@mpt.example")
    bob.people.withdraw("eve@mpt.example")
    alice.people.join(now=NOW)
    alice.people.invite_first_admin("alice@mpt.example", now=NOW)
    service.people.invite_first_admin("alice@mpt.example", now=NOW)
    for desk in (alice, bob):
        desk.people.set_role(cast.CAROL_ID, "admin", now=NOW)
        desk.people.set_role(cast.BOB_ID, "sales", now=NOW)
        desk.people.set_active(cast.CAROL_ID, False, now=NOW)
        desk.people.free_address(cast.CAROL_ID, now=NOW)
        desk.people.set_active(cast.CAROL_ID, True, now=NOW)
        for person in (cast.ALICE_ID, cast.CAROL_ID):
            desk.people.set_contact_card(person, full_name="A. B.", phone="+1 614", now=NOW)
        desk.people.directory()
