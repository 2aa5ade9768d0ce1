"""The analytics once more, in pandas, from the raw tables alone: the definitions of figure_words
worked out another way, to be compared with what the database counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from crm.records.figures import (
    CampaignFigures,
    CohortFigures,
    DayFigures,
    Period,
    StepFigures,
    TypeFigures,
)
from tests.conftest import Raw
from tests.database.analytics_mail import Tables, became_of, read_tables

_SUMS = [
    "sent",
    "delivered",
    "bounced",
    "dropped",
    "opened",
    "opened_raw",
    "clicked",
    "clicked_raw",
    "replied",
    "complained",
    "unsubscribed",
    "converted",
]


@dataclass(frozen=True)
class InPandas:
    """One row an e-mail in `mail`; the tables beside it as they are."""

    tables: Tables
    mail: pd.DataFrame

    @classmethod
    def read(cls, raw: Raw) -> InPandas:
        tables = read_tables(raw)
        return cls(tables, became_of(tables))

    def campaigns(self, period: Period) -> list[CampaignFigures]:
        campaigns = self.tables["drip_campaigns"].assign(
            place=lambda d: d["id"].map(
                self.tables["contact_types"].groupby("campaign_id")["position"].min()
            )
        )
        figures = []
        for row in campaigns.sort_values(["place", "name"]).to_dict("records"):
            sent = _during(self.mail, "sent_at", period).pipe(_of, row["id"])
            if row["status"] != "archived" or len(sent):
                figures.append(self._campaign(row, sent, period))
        return figures

    def _campaign(self, row: dict[Any, Any], sent: pd.DataFrame, period: Period) -> CampaignFigures:
        mine = self.tables["campaign_enrollments"].pipe(_of, row["id"])
        begun = _during(mine, "enrolled_at", period)
        ended = _during(mine, "ended_at", period)["status"].value_counts()
        wins = self.mail[self.mail["replied"] | self.mail["converted"]]
        converted = sent[sent["converted"]]
        took = converted["converted_at"] - converted["enrolled_at"]
        days = took.dt.total_seconds() / 86_400
        return CampaignFigures(
            **_sums(sent),
            campaign_id=row["id"],
            key=row["key"],
            name=row["name"],
            status=row["status"],
            enrolled=len(begun),
            completed=int(ended.get("completed", 0)),
            stopped=int(ended.get("stopped", 0)),
            succeeded=int(begun["id"].isin(wins["enrollment_id"]).sum()),
            converted_contacts=converted["person"].nunique(),
            median_days_to_conversion=None if days.empty else float(days.median()),
        )

    def steps(self, campaign_id: str, period: Period) -> list[StepFigures]:
        sent = _during(self.mail, "sent_at", period).pipe(_of, campaign_id)
        versions = self.tables["drip_campaign_templates"].pipe(_of, campaign_id)
        figures = []
        for step, ever in versions[versions["status"] != "draft"].groupby("step"):
            now = ever[ever["status"] == "published"]
            newest = (ever if now.empty else now).sort_values("version").iloc[-1]
            mine = sent[sent["step"] == step]
            if now.empty and mine.empty:
                continue
            position = None if now.empty else int(newest["position"])
            figures.append(
                StepFigures(
                    **_sums(mine),
                    campaign_id=campaign_id,
                    step=int(str(step)),
                    position=position,
                    name=newest["name"],
                )
            )
        return sorted(figures, key=lambda f: (f.position is None, f.position or 0, f.step))

    def by_day(self, campaign_id: str | None, period: Period, zone: str) -> list[DayFigures]:
        mail = self.mail if campaign_id is None else self.mail.pipe(_of, campaign_id)
        sent = _during(mail, "sent_at", period)
        local = sent["sent_at"].dt.tz_convert(zone).dt.date
        names = [name for name in _SUMS if name in DayFigures.__dataclass_fields__]
        sums = sent[names].astype(int).groupby(local).sum()
        begin = pd.Timestamp(period.since).tz_convert(zone).date()
        end = pd.Timestamp(period.until - timedelta(microseconds=1)).tz_convert(zone).date()
        days = [day.date() for day in pd.date_range(begin, end)]
        rows = sums.reindex(days, fill_value=0).to_dict("records")
        return [
            DayFigures(day, **{str(k): int(v) for k, v in row.items()})
            for day, row in zip(days, rows, strict=True)
        ]

    def cohorts(
        self, campaign_id: str, months: int, now: datetime, zone: str
    ) -> list[CohortFigures]:
        mine = self.tables["campaign_enrollments"].pipe(_of, campaign_id)
        mine = mine.assign(month=_months(mine["enrolled_at"], zone))
        this = _first(pd.Timestamp(now).tz_convert(zone).date())
        wanted = [(pd.Timestamp(this) - pd.DateOffset(months=n)).date() for n in range(months)]
        return [self._cohort(m, mine[mine["month"] == m]) for m in reversed(wanted)]

    def _cohort(self, month: date, begun: pd.DataFrame) -> CohortFigures:
        of_it = self.mail[self.mail["enrollment_id"].isin(begun["id"])]

        def some(name: str) -> int:
            return int(of_it[of_it[name]]["enrollment_id"].nunique())

        return CohortFigures(
            month=month,
            enrolled=len(begun),
            sent=int(of_it["enrollment_id"].nunique()),
            opened=some("opened"),
            clicked=some("clicked"),
            replied=some("replied"),
            completed=int((begun["status"] == "completed").sum()),
            unsubscribed=some("unsubscribed"),
            converted=some("converted"),
        )

    def funnel_by_type(self) -> list[TypeFigures]:
        there = self.tables["contacts"]
        there = there[there["archived_at"].isna()]
        joined = self.tables["campaign_enrollments"]["person"]
        figures = []
        for row in self.tables["contact_types"].sort_values("position").to_dict("records"):
            mine = there[there["contact_type"] == row["key"]]["id"]
            did = self.mail[self.mail["person"].isin(mine)].groupby("person")
            figures.append(
                TypeFigures(
                    contact_type=row["key"],
                    label=row["label"],
                    contacts=len(mine),
                    enrolled=int(mine.isin(joined).sum()),
                    **{
                        name: int(did[name].any().sum())
                        for name in ("opened", "clicked", "replied", "converted")
                    },
                )
            )
        return figures


def _of(frame: pd.DataFrame, campaign_id: str) -> pd.DataFrame:
    return frame[frame["campaign_id"] == campaign_id]


def _during(frame: pd.DataFrame, column: str, period: Period) -> pd.DataFrame:
    return frame[(frame[column] >= period.since) & (frame[column] < period.until)]


def _months(moments: pd.Series, zone: str) -> list[date]:
    return [_first(moment) for moment in moments.dt.tz_convert(zone).dt.date]


def _first(day: date) -> date:
    return day.replace(day=1)


def _sums(mail: pd.DataFrame) -> dict[str, int]:
    return {name: int(mail[name].sum()) for name in _SUMS}
