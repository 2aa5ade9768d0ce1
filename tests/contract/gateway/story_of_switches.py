"""The story's chapter about types, what a change of type brings, and who the sender is."""

from crm.records.app_settings import SavedSender
from crm.records.states import SwitchPolicy
from tests.cast import NOW
from tests.contract.gateway.telling import Teller, template

FINISH, USUAL = SwitchPolicy.FINISH_FIRST, SwitchPolicy.STOP_AND_START


def switch_and_send_as(service: Teller, alice: Teller, bob: Teller, contacts: list[str]) -> None:
    _types(alice, bob)
    client = next(c.id for c in bob.campaigns.overview() if c.key == "client")
    bob.templates.publish(template(client, 1), now=NOW)
    pairs = {("lead", "client"): FINISH, ("client", "lead"): SwitchPolicy.KEEP_BOTH}
    bob.type_switches.change(pairs, now=NOW)
    bob.type_switches.change(pairs, now=NOW)
    bob.type_switches.change({("client", "lead"): USUAL}, now=NOW)
    bob.type_switches.change({("client", 'gone, "x"'): FINISH}, now=NOW)
    alice.type_switches.change({("lead", "client"): USUAL}, now=NOW)
    alice.type_switches.policies()
    for kind in ("client", "lead", "partner", "gone"):
        alice.type_switches.preview(contacts[:4], kind, now=NOW)
        bob.type_switches.preview(contacts, kind, now=NOW)
    bob.type_switches.preview([], "lead", now=NOW)
    bob.contacts.change_type(contacts[7:10], "client", now=NOW)
    waiting = [
        enrollment.id
        for contact in contacts[7:10]
        for enrollment in bob.enrollments.of_contact(contact)
        if enrollment.reason == "waits_for_other"
    ]
    bob.enrollments.change(waiting, "resume", now=NOW)
    alice.type_switches.start_waiting(waiting, now=NOW)
    bob.type_switches.start_waiting(waiting[:1], now=NOW)
    bob.type_switches.start_waiting([], now=NOW)
    _sender(service, alice, bob)


def _types(alice: Teller, bob: Teller) -> None:
    campaign = bob.contact_types.campaigns()[0]
    key = bob.contact_types.add('Key "account", Ltd', campaign_id=campaign.id, path_rank=5)
    alice.contact_types.add("Mine", campaign_id=None, path_rank=None)
    bob.contact_types.change(key, label="Key", campaign_id=None, path_rank=None)
    alice.contact_types.change(key, label="Mine", campaign_id=None, path_rank=None)
    alice.contact_types.all()
    bob.contact_types.count_contacts("lead")
    bob.contact_types.was_ever_used("lead")
    bob.contact_types.was_ever_used(key)
    alice.contact_types.delete(key)
    for kind in (key, key, "lead", "other"):
        bob.contact_types.delete(kind)


def _sender(service: Teller, alice: Teller, bob: Teller) -> None:
    sender = SavedSender(
        "Morgan O'Neil & Söhne", "morgan@mpt.example", "", "1 Main St\nSpringfield"
    )
    bob.app_settings.change_sender(sender, now=NOW)
    alice.app_settings.change_sender(sender, now=NOW)
    bob.app_settings.change_sender(SavedSender("a; b", None, None, None), now=NOW)
    alice.app_settings.saved_sender()
    service.app_settings.saved_sender()
    bob.app_settings.change_sender(SavedSender(None, None, None, None), now=NOW)
    bob.app_settings.change_defaults(time_zone="Europe/Berlin", country="DE", now=NOW)
    bob.app_settings.change_defaults(time_zone="Mars", country="DE", now=NOW)
    alice.app_settings.change_defaults(time_zone="Europe/Berlin", country="US", now=NOW)
    bob.app_settings.change_defaults(time_zone="America/New_York", country="US", now=NOW)
    service.app_settings.sending_rules()
    for desk in (service, alice, bob):
        desk.installation.pending_migrations()
