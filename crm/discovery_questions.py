"""What a discovery call asks: one list for the colleague's form, the public form and the answers.

Keys are those of discovery_submissions.answers; the first seven also fill a new contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["line", "email", "phone", "text", "choice", "date"]

LONGEST_LINE = 200
LONGEST_TEXT = 3_000
FORM_PATH = "/discovery-call"
CONSENT = "consent"
"""Beside the answers of a visitor: the sentence they agreed to, as they read it."""


@dataclass(frozen=True, slots=True)
class Question:
    """`hint` is for the colleague; `asks` is the wording for a visitor of the website, who is not
    asked where it is empty. `autocomplete` is the field's purpose (HTML, autofill)."""

    key: str
    label: str
    kind: Kind = "line"
    hint: str = ""
    asks: str = ""
    options: tuple[str, ...] = ()
    autocomplete: str = ""

    @property
    def longest(self) -> int:
        """In characters."""
        return LONGEST_TEXT if self.kind == "text" else LONGEST_LINE


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    hint: str
    questions: tuple[Question, ...]


BUDGETS = (
    "Under $10,000",
    "$10,000–$25,000",
    "$25,000–$50,000",
    "$50,000–$100,000",
    "Over $100,000",
    "Not known yet",
)
TIMELINES = (
    "As soon as possible",
    "Within 3 months",
    "Within 6 months",
    "Within a year",
    "Later",
    "Not known yet",
)

GROUPS = (
    Group(
        "Who",
        "Who you speak with. An e-mail address finds the contact if we know them already.",
        (
            Question("first_name", "First name", asks="First name", autocomplete="given-name"),
            Question("last_name", "Last name", asks="Last name", autocomplete="family-name"),
            Question("email", "E-mail", "email", asks="E-mail", autocomplete="email"),
            Question("phone", "Phone", "phone", asks="Phone", autocomplete="tel"),
            Question("company_name", "Company", asks="Company", autocomplete="organization"),
            Question("job_title", "Role", asks="Your role", autocomplete="organization-title"),
            Question("industry", "Industry"),
        ),
    ),
    Group(
        "Situation",
        "How they work today, and what is in the way.",
        (
            Question(
                "situation",
                "Situation today",
                "text",
                "What made them call now? How is it done today, and by how many people?",
                "How do you do it today?",
            ),
            Question("tools", "Current tools", "text", "Which software, sheets or services?"),
            Question("obstacles", "Obstacles", "text", "What was tried, and what stopped it?"),
        ),
    ),
    Group(
        "Goals",
        "What should be different afterwards.",
        (
            Question(
                "goals",
                "Goals",
                "text",
                "What would be different in a year? Ask for the one that matters most.",
                "What would you like to achieve?",
            ),
            Question("success", "Measure of success", "text", "By which number would they tell?"),
        ),
    ),
    Group(
        "Budget and timing",
        "What it may cost, by when, and who decides.",
        (
            Question(
                "budget",
                "Budget range",
                "choice",
                "Offer a range if they hesitate.",
                "Budget",
                BUDGETS,
            ),
            Question(
                "timeline",
                "Timeline",
                "choice",
                "What happens if it is not done by then?",
                "When would you like to start?",
                TIMELINES,
            ),
            Question("deciders", "Decision makers", "text", "Who says yes, and who could say no?"),
        ),
    ),
    Group(
        "Next step",
        "What happens now. It becomes a task on the contact.",
        (
            Question("next_step", "Next step", hint="For example: send two references."),
            Question("next_step_on", "When", "date"),
            Question("notes", "Anything else", "text", asks="Anything else we should know?"),
        ),
    ),
)

QUESTIONS: Mapping[str, Question] = {q.key: q for group in GROUPS for q in group.questions}
_TO_VISITORS = "first_name last_name email phone company_name job_title goals situation budget"
PUBLIC = tuple(QUESTIONS[key] for key in (*_TO_VISITORS.split(), "timeline", "notes"))
"""What a visitor is asked, in this order: what they have come for before how it is today."""


def answered(answers: Mapping[str, str]) -> Iterable[tuple[Question, str]]:
    """The questions with an answer, in the order of the form."""
    return ((q, answers[q.key]) for q in QUESTIONS.values() if answers.get(q.key))
