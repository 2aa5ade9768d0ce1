"""Send one test e-mail through the configured sender and print the provider's answer.

`python scripts/simple_drip_test.py --to you@example.com [--campaign lead --step 1]`
Nothing is written to the database: no contact, no enrollment, no send.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

# Scripts run from anywhere as `python scripts/x.py`; the project root holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.drip.compile import CompiledTemplate, bind_shared
from crm.drip.render import Renderer
from crm.mail.addresses import AddressError, normalise_address
from crm.mail.message import MailRequest, Recipient, Skeleton
from crm.scheduler.desk import make_sender, sender_fields, sender_identity, with_saved_sender
from crm.settings import Settings, load_settings
from db_service import DatabaseError, DbService, SettingsError, TemplateVersion, connect, disconnect
from drip_scheduler import wall_clock

SAMPLE: dict[str, dict[str, str | None]] = {
    "contact": {
        "first_name": "Sam",
        "last_name": "Sample",
        "full_name": "Sam Sample",
        "job_title": "Operations Lead",
        "industry": "Manufacturing",
        "city": "Chicago",
        "country": "US",
    },
    "company": {"name": "Sample Works"},
    "owner": {"name": "Morgan Reed", "first_name": "Morgan", "email": None, "phone": None},
}


def _template(service: DbService, campaign: str, step: int) -> TemplateVersion:
    campaigns = {c.id: c.key for c in service.campaigns.all_rules()}
    for version in service.templates.published():
        if campaigns[version.campaign_id] == campaign and version.step == step:
            return version
    raise SettingsError(
        f"No published e-mail for --campaign {campaign} --step {step}; "
        "run scripts/populate_drip_templates.py, or choose another."
    )


def _request(version: TemplateVersion, to: str, settings: Settings) -> MailRequest:
    compiled = bind_shared(CompiledTemplate.from_json(version.compiled), sender_fields(settings))
    link = f"{settings.public_url}/unsubscribe/test-e-mail"
    sample: dict[str, Mapping[str, str | None]] = {
        **SAMPLE,
        "contact": {**SAMPLE["contact"], "email": to},
    }
    values = tuple(Renderer(compiled).values(sample, link))
    skeleton = Skeleton(
        compiled.subject, compiled.html, compiled.text, tuple(slot.tag for slot in compiled.slots)
    )
    return MailRequest(
        skeleton=skeleton,
        recipients=(Recipient(str(uuid.uuid4()), to, "Sam Sample", values, link),),
        sender=sender_identity(settings),
        category="test",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True, metavar="ADDRESS")
    parser.add_argument("--campaign", default="networking")
    parser.add_argument("--step", type=int, default=1)
    wanted = parser.parse_args()
    try:
        settings = load_settings()
        connect(settings)
        service = DbService.for_service()
        version = _template(service, wanted.campaign, wanted.step)
        settings = with_saved_sender(settings, service)
        sender = make_sender(settings, wall_clock)
        answer = sender.send(_request(version, normalise_address(wanted.to), settings))
        sender.close()
    except (SettingsError, DatabaseError, AddressError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        disconnect()
    print(f"{sender.name}: {answer}")
    return 0 if type(answer).__name__ == "Accepted" else 1


if __name__ == "__main__":
    sys.exit(main())
