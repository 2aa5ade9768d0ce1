"""What a change of type brings, as people read it."""

from __future__ import annotations

import re

import pytest

from crm.records.states import SwitchPolicy
from crm.records.type_switches import SwitchOutcome
from crm.ui import switch_words
from tests.conftest import Raw


def _told(*outcomes: tuple[str, str, int, int]) -> str:
    return switch_words.sentences([SwitchOutcome(*outcome) for outcome in outcomes], "Client")


def test_every_policy_has_words() -> None:
    assert set(switch_words.POLICY) == set(switch_words.POLICY_MEANS) == set(SwitchPolicy)


@pytest.mark.parametrize("contacts", [1, 3])
@pytest.mark.parametrize("outcome", switch_words.OUTCOMES)
def test_every_outcome_makes_a_sentence_without_codes(outcome: str, contacts: int) -> None:
    told = _told(("Lead", outcome, contacts, 2))
    assert told.endswith(".")
    assert "_" not in told


def test_every_outcome_the_database_knows_is_known_here(raw: Raw) -> None:
    functions = raw.execute(
        "select string_agg(prosrc, ' ') as text from pg_proc"
        " where proname in ('preview_switch', 'enroll')"
    ).fetchone()
    assert functions is not None
    codes = set(re.findall(r"(?:then|else) '([a-z_]+)'", functions["text"]))
    # Not told: what an enrollment is, and what stands behind starts, continues, waits, goes_on.
    codes -= {"active", "paused", "waits_for_other", "enrolled", "already_enrolled"}
    assert codes <= set(switch_words.OUTCOMES)
    assert {"goes_on_beside", "continues", "no_campaign"} <= codes


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        (
            [("Lead", "stops", 1, 0), ("Client", "starts", 1, 0)],
            "**Lead** stops. **Client** starts.",
        ),
        (
            [("Lead", "goes_on_first", 1, 0), ("Client", "waits", 1, 0)],
            "**Lead** goes on to its end. **Client** begins after that.",
        ),
        (
            [("Client", "continues", 1, 1)],
            "**Client** goes on after the 1 e-mail received before.",
        ),
        (
            [("Lead", "stops", 3, 0), ("Client", "starts", 2, 0), ("Client", "bounced", 1, 0)],
            "**Lead** stops for 3 contacts. **Client** starts for 2 contacts. "
            "Client does not start for 1 contact: the address bounced.",
        ),
        ([("", "no_campaign", 2, 0)], "Client has no campaign, so none starts."),
        (
            [("Client", "starts", 1, 0), ("", "there_already", 1, 0)],
            "**Client** starts for 1 contact. 1 contact of type Client stays as before.",
        ),
        ([], "None of these contacts is yours to change."),
    ],
)
def test_outcomes_read_as_sentences(outcomes: list[tuple[str, str, int, int]], told: str) -> None:
    assert _told(*outcomes) == told
