"""What became of many contacts, in words: how many were changed, who was left alone, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from crm.ui import words
from crm.ui.bulk_job import Job

# Said of one, said of several; beside the outcomes of enrolling, which words.py has.
_LEFT_ALONE: Mapping[str, tuple[str, str]] = {
    "not_yours": ("belongs to a colleague", "belong to colleagues"),
    "gone": ("is no longer there", "are no longer there"),
    "merged": ("was merged into another contact", "were merged into other contacts"),
    "trouble": ("could not be reached in the database", "could not be reached in the database"),
    "stays_paused": (
        "stays paused: no e-mails may go to it, or another campaign comes first",
        "stay paused: no e-mails may go to them, or another campaign comes first",
    ),
    "unchanged": ("was like that already", "were like that already"),
    "nothing_runs": ("has nothing running", "have nothing running"),
}
_SPECIAL: Mapping[tuple[str, str], tuple[str, str]] = {
    ("resume", "nothing_runs"): ("has nothing paused", "have nothing paused"),
    ("undo_archive", "unchanged"): (
        "is not in the archive any more",
        "are not in the archive any more",
    ),
    ("archive", "unchanged"): ("is archived already", "are archived already"),
    ("unarchive", "unchanged"): ("is not archived", "are not archived"),
    ("add_tags", "unchanged"): ("has these tags already", "have these tags already"),
    ("remove_tags", "unchanged"): ("has none of these tags", "have none of these tags"),
}


def reason(action: str, outcome: str, *, several: bool = False) -> str:
    """ "belongs to a colleague"; several: "belong to colleagues"."""
    pair = _SPECIAL.get((action, outcome)) or _LEFT_ALONE.get(outcome)
    pair = pair or words.enroll_outcome(outcome)
    return pair[1 if several else 0]


def left_alone(action: str, outcomes: Iterable[str]) -> list[str]:
    """One line for each reason, the most frequent first: "30 belong to colleagues"."""
    return [
        f"{words.number(count)} {reason(action, outcome, several=count > 1)}"
        for outcome, count in Counter(outcomes).most_common()
    ]


def in_short(job: Job, done: tuple[str, str]) -> str:
    """ "1,500 contacts were archived." `done` says it of one and of several."""
    count = len(job.done)
    if count == 0:
        return "Nothing was changed."
    return f"{words.counted(count, 'contact')} {done[0] if count == 1 else done[1]}."


def not_reached(job: Job) -> Sequence[str]:
    """Sentences about what this job did not get to."""
    sentences = [f"{words.number(n)}: {trouble}" for trouble, n in job.troubles.most_common()]
    if job.untouched > 0:
        sentences.append(
            f"It was stopped before the other {words.counted(job.untouched, 'contact')}."
        )
    if job.more_were_found:
        sentences.append(
            f"At most {words.number(len(job.ids))} are changed at once. Do it again for the rest."
        )
    return sentences
