"""One action on many contacts, in parts: what was done so far is never lost, and never done twice.

The job is kept in the session. It goes on where it was whenever the page runs again, and notes what
came of a part before anything is drawn, because drawing is where Streamlit may stop a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import streamlit as st

from crm.records.contact_changes import ContactOutcome
from crm.records.contact_search import ContactSearch
from crm.ui import calm, session
from crm.ui.dialogs import open_dialog
from db_service import DatabaseError, DatabaseUnreachableError, SignedOutError

MOST_CONTACTS = 50_000
PART = 500
_FOUND_AT_ONCE = 1000
_KEY = "bulk_job"

Part = Callable[[Sequence[str], datetime], Sequence[ContactOutcome]]


@dataclass(slots=True)
class Job:
    """`search`: everybody it finds, the newest MOST_CONTACTS; else the contacts of `ids`.

    `moment` is the one moment everything of this job happens at, which an undo goes by.
    """

    action: str
    run_part: Part
    moment: datetime
    ids: list[str] = field(default_factory=list)
    search: ContactSearch | None = None
    position: int = 0
    done: list[str] = field(default_factory=list)
    left_alone: list[ContactOutcome] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    all_found: bool = False
    more_were_found: bool = False
    stopped: bool = False

    @property
    def is_over(self) -> bool:
        return self.stopped or (self.all_found and self.position >= len(self.ids))

    @property
    def untouched(self) -> int:
        return len(self.ids) - self.position


def ask_for(
    action: str,
    ids: Sequence[str],
    *,
    search: ContactSearch | None = None,
    moment: datetime | None = None,
) -> None:
    """Opens the dialog of an action (crm/ui/bulk_dialog.py), whatever it was doing before."""
    forget()
    open_dialog("bulk", action=action, ids=tuple(ids), search=search, moment=moment)


def begin(job: Job) -> Job:
    st.session_state[_KEY] = job
    return job


def current() -> Job | None:
    job = st.session_state.get(_KEY)
    return job if isinstance(job, Job) else None


def forget() -> None:
    st.session_state.pop(_KEY, None)


def stop(job: Job) -> None:
    """A button's on_click: what is done stays done."""
    job.stopped = True


def find(job: Job) -> Iterator[int]:
    """Looks up who is meant, in parts; yields how many were found so far."""
    if job.search is None:
        job.all_found = True
        return
    while not job.all_found:
        before = job.ids[-1] if job.ids else None
        found = session.current().db.contacts.found_ids(
            job.search, before=before, size=_FOUND_AT_ONCE
        )
        room = MOST_CONTACTS - len(job.ids)
        job.more_were_found = len(found) > room
        job.ids += found[:room]
        job.all_found = job.more_were_found or len(found) < _FOUND_AT_ONCE
        yield len(job.ids)


def go_on(job: Job, *, succeeded: frozenset[str]) -> Iterator[float]:
    """Does part after part; yields the share done. A part that fails is noted, and the next one
    follows, unless nobody answers at all.

    Raises:
        SignedOutError, NotOnStaffError: nobody may go on.
    """
    while not job.is_over:
        part = job.ids[job.position : job.position + PART]
        try:
            outcomes = job.run_part(part, job.moment)
        except (SignedOutError, session.NotOnStaffError):
            raise
        except DatabaseError as error:
            _note_trouble(job, part, error)
        else:
            job.position += len(part)
            job.done += [o.contact_id for o in outcomes if o.outcome in succeeded]
            job.left_alone += [o for o in outcomes if o.outcome not in succeeded]
        yield job.position / len(job.ids)


def _note_trouble(job: Job, part: Sequence[str], error: DatabaseError) -> None:
    if isinstance(error, DatabaseUnreachableError):
        # The part may have been done or not; trying the others would only take long.
        job.stopped = True
    job.position += len(part)
    job.troubles[calm.words_for(error)] += len(part)
    job.left_alone += [ContactOutcome(contact_id, "trouble") for contact_id in part]
