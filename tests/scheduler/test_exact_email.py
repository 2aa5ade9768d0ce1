"""What was sent can be shown again exactly, whatever was published since."""

import shutil
from datetime import timedelta
from pathlib import Path

from crm.drip.compile import CompiledTemplate, bind_shared
from crm.drip.render import RenderedEmail, fill
from db_service import DbService
from scripts.populate_drip_templates import LIBRARY, populate
from tests.cast import NOW
from tests.conftest import AContact
from tests.scheduler.conftest import Scheduler, SettingsFor
from tests.standins.sendgrid import SendGridStandIn


def _rebuilt(service: DbService, send_id: str) -> RenderedEmail:
    content = service.sends.content(send_id)
    assert content is not None
    compiled = bind_shared(CompiledTemplate.from_json(content.compiled), content.sender or {})
    return fill(compiled, content.merge_values)


def _another_library(folder: Path) -> Path:
    """The library with another text in every e-mail and another layout."""
    shutil.copytree(LIBRARY, folder)
    layout = folder / "layout.html"
    layout.write_text(layout.read_text().replace("</body>", "<p>New frame</p></body>"))
    for path in folder.glob("*/*.md"):
        path.write_text(path.read_text().rstrip() + "\n\nA new last line.\n")
    return folder


def test_every_e_mail_is_rebuilt_exactly_as_the_provider_got_it(
    scheduler: Scheduler,
    service: DbService,
    settings_for: SettingsFor,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    library: None,
    tmp_path: Path,
) -> None:
    for campaign in ("networking", "lead", "prospect", "client"):
        a_contact(contact_type=campaign, first_name="Ann & <b>Bo</b>", industry="Construction")
        a_contact(contact_type=campaign, first_name="", company_name="", owner_id=None)
    scheduler.tick()
    got = list(sendgrid_standin.accepted)
    assert len(got) == 8

    populate(
        service, _another_library(tmp_path / "templates"), dry_run=False, now=scheduler.clock()
    )
    renamed = settings_for(mail_from_name="Somebody else", mail_company="Another Ltd")
    later = Scheduler(service, scheduler.sender, renamed, scheduler.clock)
    a_contact()
    later.tick(hours=1)
    assert "New frame" in sendgrid_standin.accepted[-1].html

    told = {send.id: send.subject for send in service.sends.sent(limit=50)}
    for mail in got:
        assert told[mail.send_id] == mail.subject
        rebuilt = _rebuilt(service, mail.send_id)
        assert (rebuilt.subject, rebuilt.html, rebuilt.text) == (mail.subject, mail.html, mail.text)
        assert "New frame" not in rebuilt.html


def test_a_sequence_goes_on_with_the_new_version_of_a_later_step(
    scheduler: Scheduler,
    service: DbService,
    sendgrid_standin: SendGridStandIn,
    a_contact: AContact,
    library: None,
    tmp_path: Path,
) -> None:
    a_contact()
    scheduler.tick()
    assert "A new last line." not in sendgrid_standin.accepted[0].text
    populate(
        service,
        _another_library(tmp_path / "templates"),
        dry_run=False,
        now=NOW + timedelta(days=1),
    )
    for _ in range(15):
        scheduler.tick(days=1)
    assert len(sendgrid_standin.accepted) >= 2
    assert all("A new last line." in mail.text for mail in sendgrid_standin.accepted[1:])
    assert len({mail.subject for mail in sendgrid_standin.accepted}) == len(
        sendgrid_standin.accepted
    )
