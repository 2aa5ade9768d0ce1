"""The figures of campaigns: their names, how each is read, and the same ones as tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from crm.records.analytics import CampaignFigures, EmailFigures
from crm.ui import words
from crm.ui.figure_words import DEFINITIONS
from crm.ui.figures import Figure


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of e-mails. `name` is a field of EmailFigures and a key of DEFINITIONS; `rate`
    names the property with its share, `raw` the one that counts machines too."""

    name: str
    label: str
    rate: str = ""
    raw: str = ""
    good: Literal["up", "down", "none"] = "up"

    def count(self, figures: EmailFigures) -> int:
        return int(getattr(figures, self.name))

    def share(self, figures: EmailFigures) -> float | None:
        """None where the figure has no share, or there is nothing to take one of."""
        value: float | None = getattr(figures, self.rate) if self.rate else None
        return value

    def raw_share(self, figures: EmailFigures) -> float | None:
        value: float | None = getattr(figures, self.raw) if self.raw else None
        return value

    @property
    def raw_label(self) -> str:
        """The column with machines, where the figure has one."""
        return f"{self.label}, {MACHINES_TOO}" if self.raw else ""

    def in_words(self, figures: EmailFigures) -> str:
        """The share where it has one, else the count."""
        if self.rate:
            return words.percent(self.share(figures))
        return words.number(self.count(figures))

    @property
    def means(self) -> str:
        rate = f" {DEFINITIONS[self.rate]}" if self.rate else ""
        return DEFINITIONS[self.name] + rate


MEASURES: Sequence[Measure] = (
    Measure("sent", "Sent", good="none"),
    Measure("delivered", "Delivered", "delivery_rate"),
    Measure("opened", "Opened", "open_rate", "open_rate_raw"),
    Measure("clicked", "Clicked", "click_rate", "click_rate_raw"),
    Measure("replied", "Replied", "reply_rate"),
    Measure("converted", "Converted", "conversion_rate"),
    Measure("unsubscribed", "Unsubscribed", "unsubscribe_rate", good="down"),
    Measure("bounced", "Bounced", "bounce_rate", good="down"),
)
BY_LABEL: Mapping[str, Measure] = {measure.label: measure for measure in MEASURES}
WITH_MACHINES = "with machines"
MACHINES_TOO = "all"


def together(campaigns: Iterable[CampaignFigures]) -> EmailFigures:
    """The e-mails of several campaigns."""
    some = list(campaigns)
    names = [field.name for field in fields(EmailFigures)]
    return EmailFigures(**{name: sum(getattr(c, name) for c in some) for name in names})


def email_tiles(now: EmailFigures, before: EmailFigures) -> list[Figure]:
    return [_email_tile(measure, now, before) for measure in MEASURES]


@dataclass(frozen=True, slots=True)
class Group:
    """What one asks for: the labels of its tiles in the first look, and of those behind it."""

    name: str
    first: tuple[str, ...]
    behind: tuple[str, ...]


GROUPS: Sequence[Group] = (
    Group("Reach", ("Enrolled", "Sent"), ("Delivered", "Bounced")),
    Group("Response", ("Opened", "Clicked", "Replied"), ("Unsubscribed",)),
    Group("Outcome", ("Converted",), ("Completion rate", "Success rate", "Time to conversion")),
)


def grouped(
    now: CampaignFigures, before: CampaignFigures | None, read: Callable[[Group], tuple[str, ...]]
) -> list[tuple[str, list[Figure]]]:
    """The tiles of one campaign in GROUPS; `read` says which of a group's."""
    every = [*_campaign_tiles(now, before), *email_tiles(now, before or together([]))]
    by_label = {figure.label: figure for figure in every}
    return [(group.name, [by_label[label] for label in read(group)]) for group in GROUPS]


def _campaign_tiles(now: CampaignFigures, before: CampaignFigures | None) -> list[Figure]:
    """What enrollments came to in the period."""
    return [
        _count_tile("enrolled", "Enrolled", now, before),
        _share_tile(
            "completion_rate",
            "Completion rate",
            now,
            before,
            beside=_out_of(now.completed, now.completed + now.stopped, "ended"),
        ),
        _share_tile(
            "success_rate",
            "Success rate",
            now,
            before,
            beside=_out_of(now.succeeded, now.enrolled, "enrolled"),
        ),
        Figure(
            "Time to conversion",
            _days(now.median_days_to_conversion),
            means=DEFINITIONS["median_days_to_conversion"],
            before=_days(before.median_days_to_conversion)
            if before and before.median_days_to_conversion is not None
            else "",
            trend=changed(
                now.median_days_to_conversion, before.median_days_to_conversion if before else None
            ),
            good="down",
        ),
    ]


def changed(now: float | None, before: float | None) -> float | None:
    """As a share of what was before; None where there is nothing to compare with."""
    return None if now is None or not before else (now - before) / before


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _email_tile(measure: Measure, now: EmailFigures, before: EmailFigures) -> Figure:
    has_rate = bool(measure.rate)
    today, then = (
        (measure.share(now), measure.share(before))
        if has_rate
        else (float(measure.count(now)), float(measure.count(before)))
    )
    return Figure(
        measure.label,
        measure.in_words(now),
        means=measure.means,
        before=measure.in_words(before) if before.sent else "",
        trend=_difference(today, then) if has_rate else changed(today, then),
        in_points=has_rate,
        # Reports that are still to come make the share lower than it is.
        good="none" if measure.name == "delivered" and _silent(now) else measure.good,
        beside=_beside(measure, now) if now.sent else "",
    )


def _beside(measure: Measure, now: EmailFigures) -> str:
    if measure.raw:
        return f"{words.percent(measure.raw_share(now))} {WITH_MACHINES}"
    if not measure.rate:
        return ""
    many = words.counted(measure.count(now), "e-mail")
    if measure.name == "delivered" and (silent := _silent(now)):
        return f"{many}, {words.number(silent)} not heard of yet"
    return many


def _silent(figures: EmailFigures) -> int:
    """E-mails whose delivery no report has told of, either way."""
    return figures.sent - figures.delivered - figures.bounced - figures.dropped


def _count_tile(
    name: str, label: str, now: CampaignFigures, before: CampaignFigures | None
) -> Figure:
    then = int(getattr(before, name)) if before else 0
    return Figure(
        label,
        words.number(getattr(now, name)),
        means=DEFINITIONS[name],
        before=words.number(then) if then else "",
        trend=changed(float(getattr(now, name)), float(then)),
        good="none",
    )


def _out_of(part: int, base: int, what: str) -> str:
    """ "1 of 10 ended"; empty where there is no base."""
    return f"{words.number(part)} of {words.number(base)} {what}" if base else ""


def _share_tile(
    name: str, label: str, now: CampaignFigures, before: CampaignFigures | None, *, beside: str
) -> Figure:
    then: float | None = getattr(before, name) if before else None
    return Figure(
        label,
        words.percent(getattr(now, name)),
        means=DEFINITIONS[name],
        before="" if then is None else words.percent(then),
        trend=_difference(getattr(now, name), then),
        in_points=True,
        beside=beside,
    )


def _days(days: float | None) -> str:
    return "–" if days is None else words.counted(round(days), "day")


def as_rows(
    campaigns: Sequence[CampaignFigures], read: Callable[[CampaignFigures], str]
) -> list[dict[str, object]]:
    """For a file: one row a campaign, counts and shares as numbers. `read` names the row."""
    return [
        {"Campaign": read(figures), "Enrolled": figures.enrolled, **email_cells(figures)}
        for figures in campaigns
    ]


def email_cells(figures: EmailFigures) -> dict[str, object]:
    """Every measure as columns of a file; shares in per cent."""
    cells: dict[str, object] = {}
    for measure in MEASURES:
        cells[measure.label] = measure.count(figures)
        if measure.rate:
            cells[f"{measure.label} %"] = in_per_cent(measure.share(figures))
        if measure.raw:
            cells[f"{measure.label} {WITH_MACHINES} %"] = in_per_cent(measure.raw_share(figures))
    return cells


def in_per_cent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 2)
