"""The raw tables as pandas frames, and what became of each e-mail.

That is taken from the events themselves, never from the columns the database keeps of them.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pandas as pd

from tests.conftest import Raw

Tables = dict[str, pd.DataFrame]
_NAMES = "contacts contact_types drip_campaigns drip_campaign_templates"
_OF_PEOPLE = "campaign_enrollments email_sends email_events activities type_changes"
_WENT_OUT = ["accepted", "delivered", "bounced", "dropped"]
_ARRIVED = ["delivered", "open", "click", "spamreport", "unsubscribe", "group_unsubscribe"]
_STOP = ["unsubscribe", "group_unsubscribe"]
_CONVERSION = timedelta(hours=90 * 24)
_OF_A_MAIL = ["id", "person", "campaign_id", "enrollment_id", "step", "sent_at"]


def read_tables(raw: Raw) -> Tables:
    """Of merged contacts everything is the doing of the `person` that was kept."""
    tables = {name: _table(raw, name) for name in f"{_NAMES} {_OF_PEOPLE}".split()}
    contacts = tables["contacts"].set_index("id", drop=False)
    kept = contacts["merged_into"].fillna(contacts["id"])
    for name in _OF_PEOPLE.split():
        tables[name] = tables[name].assign(person=tables[name]["contact_id"].map(kept))
    return tables


def _table(raw: Raw, name: str) -> pd.DataFrame:
    cursor = raw.execute(f"select * from {name}".encode())
    assert cursor.description is not None
    frame = pd.DataFrame(
        [{k: str(v) if isinstance(v, UUID) else v for k, v in row.items()} for row in cursor],
        columns=[column.name for column in cursor.description],
    )
    for column in cursor.description:
        if column.type_code == 1184:  # timestamptz
            frame[column.name] = pd.to_datetime(frame[column.name], utc=True).astype(
                "datetime64[us, UTC]"
            )
    return frame


def became_of(tables: Tables) -> pd.DataFrame:
    begun = tables["campaign_enrollments"].set_index("id")["enrolled_at"]
    events = tables["email_events"]
    sends = tables["email_sends"]
    mail = sends[sends["status"].isin(_WENT_OUT)].rename(columns={"handed_over_at": "sent_at"})[
        _OF_A_MAIL
    ]
    mail = mail.assign(enrolled_at=mail["enrollment_id"].map(begun))

    def has(kinds: list[str], among: pd.DataFrame = events) -> pd.Series:
        return mail["id"].isin(among[among["event"].isin(kinds)]["send_id"])

    people = events[~events["is_machine"].astype(bool)]
    mail = mail.assign(
        sent=True,
        bounced=has(["bounce"]),
        dropped=has(["dropped"]) & ~has(["bounce"]),
        delivered=has(_ARRIVED) & ~has(["bounce", "dropped"]),
        opened=has(["open"], people),
        opened_raw=has(["open"]),
        clicked=has(["click"], people),
        clicked_raw=has(["click"]),
    )
    replies = events[events["event"] == "reply"]
    complaints = events[events["event"] == "spamreport"]
    changes = tables["type_changes"].rename(columns={"changed_at": "at"})
    forward = changes[changes["is_forward"].astype(bool)]
    steps = _last_before(mail, _without(forward, _merges(tables)))
    steps = steps[steps["at"] - steps["sent_at"] <= _CONVERSION]
    return mail.assign(
        replied=mail["id"].isin(
            _last_before(mail, replies.rename(columns={"occurred_at": "at"}))["id"]
        ),
        complained=mail["id"].isin(_answered(mail, complaints)),
        unsubscribed=mail["id"].isin(_answered(mail, events[events["event"].isin(_STOP)]))
        | mail["id"].isin(_last_before(mail, _wishes(tables))["id"]),
        converted=mail["id"].isin(steps["id"]),
        converted_at=mail["id"].map(steps.groupby("id")["at"].min()),
    )


def _answered(mail: pd.DataFrame, events: pd.DataFrame) -> set[str]:
    """The e-mails that events are about: the one named, or else the last before."""
    unnamed = events[events["send_id"].isna()].rename(columns={"occurred_at": "at"})
    return set(events["send_id"].dropna()) | set(_last_before(mail, unnamed)["id"])


def _wishes(tables: Tables) -> pd.DataFrame:
    """What the timeline tells of wishes to stop that nobody of the staff wrote down, without those
    that an event of the same moment told already."""
    told = tables["activities"]
    told = told[(told["kind"] == "unsubscribed") & told["actor_id"].isna()]
    events = tables["email_events"]
    heard = events[events["event"].isin(_STOP)].rename(columns={"received_at": "at"})
    wishes = told.rename(columns={"occurred_at": "at"})
    return _without(_without(wishes, heard), _merges(tables))


def _merges(tables: Tables) -> pd.DataFrame:
    told = tables["activities"]
    return told[told["kind"] == "merged"].rename(columns={"occurred_at": "at"})


def _without(signs: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Those that no other tells of the same person at the same moment."""
    known = set(zip(others["person"], others["at"], strict=True))
    return signs[[one not in known for one in zip(signs["person"], signs["at"], strict=True)]]


def _last_before(mail: pd.DataFrame, signs: pd.DataFrame) -> pd.DataFrame:
    """Each sign beside the last e-mail sent to its contact until then, if there is one."""
    return pd.merge_asof(
        signs[["person", "at"]].sort_values("at"),
        mail[["id", "person", "sent_at"]].sort_values(["sent_at", "id"]),
        left_on="at",
        right_on="sent_at",
        by="person",
    ).dropna(subset=["id"])
