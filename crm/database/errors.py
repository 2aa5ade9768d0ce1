"""What can go wrong with the database, translated here, once, from SQLSTATE and constraint."""

from __future__ import annotations

import psycopg

UNREACHABLE = "The database cannot be reached; check DATABASE_URL and that the server is running."

# Our own SQLSTATE class, raised by triggers and functions with a message meant for people.
_RULE_STATES = {"MP001", "MP002", "MP003", "MP004", "MP005", "MP006"}

_WORDS_FOR_CONSTRAINT = {
    "contacts_email_key": "Another contact has this e-mail address already.",
    "contacts_have_a_name_or_an_address": "A contact needs a name or an e-mail address.",
    "contacts_time_zone_check": "Unknown time zone; use an IANA name such as Europe/Berlin.",
    "contacts_country_check": "Write the country as its two-letter code, such as US.",
    "one_live_enrollment_a_campaign": "This contact is in this campaign already.",
    "one_active_type_campaign": "This contact is in another type campaign; stop that one first.",
    "one_email_a_step_and_run": "This contact received this e-mail before.",
    "window_opens_before_it_closes": "The send window must open before it closes.",
    "drip_campaigns_window_days_check": "Choose at least one day of the week.",
    "contacts_contact_type_fkey": "There is no such type, or contacts still have it.",
    "texts_are_texts": "The sender, the time zone or the country cannot be written like this.",
    "suppressions_email_key": "This address is on the suppression list already.",
}


class DatabaseError(Exception):
    """Any failure of the database. `permanent` says whether trying again could help."""

    permanent = True


class DatabaseUnreachableError(DatabaseError):
    """No connection, or it broke: nothing is known about an unfinished statement."""

    permanent = False


class DatabaseBusyError(DatabaseError):
    """Two transactions got in each other's way and this one was undone; again, it may pass."""

    permanent = False


class NotAllowedError(DatabaseError):
    """Row-level security or a missing grant refused it."""


class ConflictError(DatabaseError):
    """A uniqueness rule refused it; `constraint` names the rule."""

    def __init__(self, message: str, constraint: str) -> None:
        super().__init__(message)
        self.constraint = constraint


class InvalidValueError(DatabaseError):
    """A check, a type or a reference refused a value."""


class RuleBrokenError(DatabaseError):
    """A trigger refused it: the message says which rule, in words for people."""


class SignedOutError(DatabaseError):
    """The sign-in token has expired or is not valid: a new sign-in helps, trying again does not."""


class MissingFunctionError(DatabaseError):
    """The database has no such function: its migrations have not all been applied."""


class SignInRefusedError(DatabaseError):
    """Supabase Auth let nobody in; the message is for people and names no address."""


class AnswerCutError(DatabaseError):
    """A function did its work, but "Max rows" of the REST API kept part of its answer back."""


def translate(error: psycopg.Error) -> DatabaseError:
    """The error tree's member for a psycopg error; messages carry no row values."""
    state = error.sqlstate or ""
    constraint = error.diag.constraint_name or ""
    message = _WORDS_FOR_CONSTRAINT.get(constraint, "")
    if state in _RULE_STATES:
        return RuleBrokenError(error.diag.message_primary or "A rule of the database was broken.")
    if state == "42501":
        return NotAllowedError("You may not do this.")
    if state == "42P01":
        return DatabaseError("The database lacks a table; run scripts/migrate.py.")
    if state == "23505":
        return ConflictError(message or f"This exists already ({constraint}).", constraint)
    if state[:2] in {"22", "23"}:
        return InvalidValueError(
            message or f"A value was refused: {constraint or error.diag.message_primary}."
        )
    if not state and isinstance(error, psycopg.DataError):
        return InvalidValueError("A value has characters that a database cannot hold.")
    if state in {"40001", "40P01", "55P03"}:
        return DatabaseBusyError("The database was busy with the same rows; try again.")
    # 25P03 and 25P04: the server gave up on a transaction of ours that stood still for too long.
    if not state or state[:2] in {"08", "53", "57"} or state in {"25P03", "25P04"}:
        return DatabaseUnreachableError(UNREACHABLE)
    return DatabaseError(
        f"The database refused a statement (SQLSTATE {state}): {error.diag.message_primary}"
    )
