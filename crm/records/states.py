"""The states of the database's rows; a test holds each enum equal to its SQL check."""

from __future__ import annotations

from enum import StrEnum


class EmailStatus(StrEnum):
    """contacts.email_status: whether we may write to this person."""

    OK = "ok"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    INVALID = "invalid"


class CampaignStatus(StrEnum):
    """drip_campaigns.status"""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class EnrollmentStatus(StrEnum):
    """campaign_enrollments.status"""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"


class EnrollmentReason(StrEnum):
    """campaign_enrollments.reason: why it is paused or stopped."""

    NONE = ""
    TYPE_CHANGED = "type_changed"
    ARCHIVED = "archived"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    INVALID = "invalid"
    SUPPRESSED = "suppressed"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"
    STOPPED_BY_USER = "stopped_by_user"
    PAUSED_BY_USER = "paused_by_user"
    SEND_FAILED = "send_failed"
    NO_ADDRESS = "no_address"
    RESTARTED = "restarted"
    MERGED = "merged"
    WAITS_FOR_OTHER = "waits_for_other"
    OTHER_STOPPED = "other_stopped"


class SwitchPolicy(StrEnum):
    """type_switches.policy: what a change of type does to the campaign that runs."""

    STOP_AND_START = "stop_and_start"
    FINISH_FIRST = "finish_first"
    KEEP_BOTH = "keep_both"


class SendStatus(StrEnum):
    """email_sends.status: claimed, handed_over, accepted, delivered; or what went otherwise."""

    CLAIMED = "claimed"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    FAILED = "failed"
    RETRY = "retry"
    UNCONFIRMED = "unconfirmed"


class TemplateStatus(StrEnum):
    """drip_campaign_templates.status"""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class RunStatus(StrEnum):
    """scheduler_runs.status"""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
