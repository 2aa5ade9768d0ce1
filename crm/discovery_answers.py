"""From what a discovery form holds to answers that may be stored, or an error at each field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from crm.discovery_questions import QUESTIONS, Question
from crm.imports.places import phone_number
from crm.mail.addresses import AddressError, normalise_address


@dataclass(frozen=True, slots=True)
class Checked:
    """`answers` without empty ones, or what is wrong, by the question's key."""

    answers: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def tidied(entered: Mapping[str, str]) -> dict[str, str]:
    """The answers to known questions, without needless white space; empty ones are left out."""
    texts = {key: _tidy(QUESTIONS[key], text) for key, text in entered.items() if key in QUESTIONS}
    return {key: text for key, text in texts.items() if text}


def check_call(entered: Mapping[str, str], *, known_contact: bool) -> Checked:
    """A colleague's form. Of a known contact neither name nor address is needed."""
    answers = tidied(entered)
    errors = _common_errors(answers, QUESTIONS.values())
    has_name = answers.get("first_name") or answers.get("last_name")
    if not known_contact and not has_name and not answers.get("email"):
        errors["email"] = "Enter a name or an e-mail address."
    errors |= _next_step_errors(answers)
    return Checked(errors=errors) if errors else Checked(_normalised(answers))


def check_request(entered: Mapping[str, str], asked: Iterable[Question]) -> Checked:
    """The public form, of which `asked` are the questions: name and address are needed."""
    questions = tuple(asked)
    answers = {q.key: text for q in questions if (text := tidied(entered).get(q.key))}
    errors = _common_errors(answers, questions)
    if not answers.get("first_name"):
        errors["first_name"] = "Please write your first name."
    if not answers.get("email"):
        errors["email"] = "Please write your e-mail address."
    return Checked(errors=errors) if errors else Checked(_normalised(answers))


def _tidy(question: Question, text: str) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n")
    return text.strip() if question.kind == "text" else " ".join(text.split())


def _common_errors(answers: Mapping[str, str], asked: Iterable[Question]) -> dict[str, str]:
    errors = {}
    for question in asked:
        text = answers.get(question.key, "")
        if len(text) > question.longest:
            errors[question.key] = f"Please keep this under {question.longest:,} characters."
        elif text and question.options and text not in question.options:
            errors[question.key] = "Please choose one of these."
    try:
        if answers.get("email") and "email" not in errors:
            normalise_address(answers["email"])
    except AddressError as error:
        errors["email"] = error.reason
    return errors


def _next_step_errors(answers: Mapping[str, str]) -> dict[str, str]:
    if answers.get("next_step") and not answers.get("next_step_on"):
        return {"next_step_on": "Choose a day, so that the next step becomes a task."}
    if answers.get("next_step_on") and not answers.get("next_step"):
        return {"next_step": "Say what happens on that day, or clear it."}
    return {}


def _normalised(answers: Mapping[str, str]) -> dict[str, str]:
    given = dict(answers)
    if email := given.get("email"):
        given["email"] = normalise_address(email)
    if phone := given.get("phone"):
        given["phone"] = phone_number(phone, "")
    return given


def next_step_day(answers: Mapping[str, str]) -> date | None:
    """The day of the next step (YYYY-MM-DD in the answers)."""
    try:
        return date.fromisoformat(answers.get("next_step_on", ""))
    except ValueError:
        return None
