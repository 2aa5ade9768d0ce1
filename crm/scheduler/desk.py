"""What one run works with: campaigns as plans, templates bound to the sender, and the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from crm.drip.calendar import SendWindow
from crm.drip.compile import CompiledTemplate, bind_shared
from crm.drip.compose import Composer, Defaults
from crm.drip.decide import Caps
from crm.drip.plan import CampaignPlan, Step, plan_of
from crm.drip.render import Renderer
from crm.mail.message import SenderIdentity, Skeleton
from crm.mail.outbox_sender import OutboxSender
from crm.mail.senders import Sender
from crm.mail.sendgrid_sender import SendGridSender
from crm.settings import Settings
from db_service import DbService, TemplateVersion


def with_saved_sender(settings: Settings, service: DbService) -> Settings:
    """What admins saved wins over the environment; the database is asked each time."""
    return settings.model_copy(update=service.app_settings.saved_sender().given())


def sender_fields(settings: Settings) -> dict[str, str]:
    """The sender.* merge fields, the same for every recipient; kept with the run."""
    return {
        "name": settings.mail_from_name,
        "email": settings.mail_from_email,
        "reply_to": settings.mail_reply_to,
        "postal_address": settings.mail_postal_address
        or "No postal address set (local outbox only)",
        "company": settings.mail_company,
        "website": settings.mail_website,
        "booking_url": settings.mail_booking_url,
    }


def sender_identity(settings: Settings) -> SenderIdentity:
    return SenderIdentity(
        email=settings.mail_from_email,
        name=settings.mail_from_name,
        reply_to=settings.mail_reply_to or None,
        postal_address=settings.mail_postal_address,
    )


def make_sender(settings: Settings, clock: Callable[[], datetime]) -> Sender:
    """SendGrid with a key, the local outbox without one."""
    if settings.sends_for_real:
        key = settings.sendgrid_api_key.get_secret_value()
        return SendGridSender(key, settings.sendgrid_base_url)
    return OutboxSender(settings.data_dir / "outbox", clock=clock)


class _BoundTemplates(dict[str, Renderer]):
    """Template versions by id, bound to the sender and compiled when first asked for: a run that
    finds nothing due compiles nothing, and a broken version troubles its own letters alone."""

    def __init__(
        self,
        versions: Iterable[TemplateVersion],
        sender: Mapping[str, str],
        skeletons: dict[str, Skeleton],
    ) -> None:
        super().__init__()
        self._versions = {version.id: version for version in versions}
        self._sender = sender
        self._skeletons = skeletons

    def knows(self, template_id: str) -> bool:
        return template_id in self._versions

    def __missing__(self, template_id: str) -> Renderer:
        stored = self._versions[template_id].compiled
        bound = bind_shared(CompiledTemplate.from_json(stored), self._sender)
        renderer = Renderer(bound)
        tags = tuple(slot.tag for slot in bound.slots)
        self._skeletons[template_id] = Skeleton(bound.subject, bound.html, bound.text, tags)
        self[template_id] = renderer
        return renderer


class Desk:
    """Read once at the start of a run, and again when a template was published meanwhile."""

    def __init__(self, service: DbService, sender: Mapping[str, str]) -> None:
        self._service = service
        self._sender = sender
        self._skeletons: dict[str, Skeleton] = {}
        self._composer = self._compose_from(service.templates.published())

    def _compose_from(
        self, versions: list[TemplateVersion], also: Sequence[TemplateVersion] = ()
    ) -> Composer:
        """Plans follow what is published; `also` is written with for the last time."""
        rules = self._service.app_settings.sending_rules()
        self.halted_because = rules.halted_because
        self._keys, plans = _plans(self._service, versions)
        # Skeletons stay: requests under way still look up what was bound before.
        self._templates = _BoundTemplates((*versions, *also), self._sender, self._skeletons)
        return Composer(
            plans,
            self._templates,
            defaults=Defaults(rules.default_time_zone, rules.default_country),
            caps=Caps(contact_daily=rules.contact_daily_cap),
        )

    def refresh_for(self, template_id: str) -> None:
        """Look again if this template was published after the run began."""
        if self._templates.knows(template_id):
            return
        published = self._service.templates.published()
        # Claimed a moment before the next version took its place.
        retired = None
        if all(version.id != template_id for version in published):
            retired = self._service.templates.get(template_id)
        self._composer = self._compose_from(published, [retired] if retired else [])

    @property
    def composer(self) -> Composer:
        return self._composer

    def skeleton_of(self, template_id: str) -> Skeleton:
        return self._skeletons[template_id]

    def key_of(self, campaign_id: str) -> str:
        return self._keys[campaign_id]


def _plans(
    service: DbService, versions: list[TemplateVersion]
) -> tuple[dict[str, str], dict[str, CampaignPlan]]:
    keys: dict[str, str] = {}
    plans: dict[str, CampaignPlan] = {}
    for campaign in service.campaigns.all_rules():
        steps = [
            Step(number=v.step, position=v.position, delay_days=v.delay_days)
            for v in versions
            if v.campaign_id == campaign.id
        ]
        window = SendWindow(
            frozenset(campaign.window_days), campaign.window_start, campaign.window_end
        )
        keys[campaign.id] = campaign.key
        plans[campaign.id] = plan_of(
            campaign.key, window=window, respect_holidays=campaign.respect_holidays, steps=steps
        )
    return keys, plans
