"""The pages of the public form that asks for a discovery call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup
from starlette.responses import HTMLResponse

from crm.discovery_questions import CONSENT, PUBLIC, Question
from crm.web.form_stamps import Freshness
from crm.web.public_page import company, page

STAMP = "shown"
# A field that people neither see nor reach; its name is no word that browsers fill in.
TRAP = "second_subject"

_REQUIRED = {"first_name", "email"}
_INPUT_TYPES = {"email": "email", "phone": "tel"}
_FORM = Markup("""<form method="post" novalidate>
{fields}
<div class="aside" aria-hidden="true"><label>Leave this empty<input name="{trap}" tabindex="-1"
  autocomplete="off"></label></div>
<input type="hidden" name="{stamp_name}" value="{stamp}">
<label><input type="checkbox" name="{consent}" value="yes" required{agreed}{described}>
<span>{sentence}</span></label>{consent_error}
<div class="buttons"><button type="submit">Ask for a call</button></div>
</form>""")
_FIELD = Markup(
    '<div class="asked-at"><label class="asked" for="{id}">{label}{needed}</label>\n'
    "{control}{error}</div>"
)
_ERROR = Markup('<p class="wrong" id="{id}-wrong">{text}</p>')
_INPUT = Markup('<input id="{id}" name="{id}" type="{type}" value="{value}"{rest}>')
_TEXT = Markup('<textarea id="{id}" name="{id}" rows="4"{rest}>\n{value}</textarea>')
_SELECT = Markup('<select id="{id}" name="{id}"{rest}>{options}</select>')
_REFUSAL = Markup('<p class="refusal" role="alert">{}</p>')
_LOOK_AGAIN = {
    Freshness.TOO_FAST: "Please look over what you wrote, then send it again.",
    Freshness.STALE: "This page was open for a long time. Please send it again.",
}


def consent_sentence() -> str:
    return (
        f"I ask {company()} to contact me about this call, and to send me a few e-mails around it."
        " Each of them has a link that stops them."
    )


def form(
    values: Mapping[str, str],
    errors: Mapping[str, str],
    stamp: str,
    freshness: Freshness = Freshness.GOOD,
) -> HTMLResponse:
    """The form with what was written so far; 400 where something is wrong."""
    wrong = "Please look at the fields marked below." if errors else _LOOK_AGAIN.get(freshness, "")
    notes = [_REFUSAL.format(wrong)] if wrong else []
    fields = _FORM.format(
        fields=_fields(values, errors),
        trap=TRAP,
        stamp_name=STAMP,
        stamp=stamp,
        consent=CONSENT,
        agreed=Markup(" checked") if values.get(CONSENT) == "yes" else "",
        described=_described(CONSENT, errors),
        sentence=consent_sentence(),
        consent_error=_error(CONSENT, errors),
    )
    intro = f"Tell {company()} what you have in mind. Somebody calls or writes you back."
    return page("Ask for a discovery call", intro, *notes, fields, status=400 if wrong else 200)


def thanks() -> HTMLResponse:
    """The one answer to every request that was read, whatever became of it."""
    return page("Thank you", "We have your request and will get back to you.")


def closed() -> HTMLResponse:
    return page("This form is closed", "Nobody can ask for a call here at the moment.", status=404)


def only_form() -> HTMLResponse:
    return page(
        "Nothing was changed",
        "This address takes a form only.",
        status=405,
        headers={"Allow": "GET, HEAD, POST"},
    )


def _fields(values: Mapping[str, str], errors: Mapping[str, str]) -> Markup:
    """Short fields side by side where there is room."""
    short = [q for q in PUBLIC if q.kind not in {"text", "choice"}]
    long = [q for q in PUBLIC if q.kind in {"text", "choice"}]
    pairs = [
        Markup('<div class="pair">{}</div>').format(_all(pair, values, errors))
        for pair in (short[i : i + 2] for i in range(0, len(short), 2))
    ]
    return Markup("\n").join([*pairs, _all(long, values, errors)])


def _all(
    questions: Sequence[Question], values: Mapping[str, str], errors: Mapping[str, str]
) -> Markup:
    return Markup("\n").join(_field(q, values.get(q.key, ""), errors) for q in questions)


def _field(question: Question, value: str, errors: Mapping[str, str]) -> Markup:
    first_error = next(iter(q.key for q in PUBLIC if q.key in errors), "")
    rest = Markup("").join(
        [
            Markup(' maxlength="{}"').format(question.longest) if not question.options else "",
            Markup(' autocomplete="{}"').format(question.autocomplete or "off"),
            Markup(" required") if question.key in _REQUIRED else "",
            _described(question.key, errors),
            Markup(" autofocus") if question.key == first_error else "",
        ]
    )
    return _FIELD.format(
        id=question.key,
        label=question.asks,
        needed="" if question.key in _REQUIRED else Markup(" <small>optional</small>"),
        control=_control(question, value, rest),
        error=_error(question.key, errors),
    )


def _control(question: Question, value: str, rest: Markup) -> Markup:
    if question.kind == "text":
        return _TEXT.format(id=question.key, value=value, rest=rest)
    if question.options:
        offered = [("", "Choose"), *((option, option) for option in question.options)]
        options = [
            Markup('<option value="{}"{}>{}</option>').format(
                key, Markup(" selected") if key == value else "", text
            )
            for key, text in offered
        ]
        return _SELECT.format(id=question.key, rest=rest, options=Markup("").join(options))
    kind = _INPUT_TYPES.get(question.kind, "text")
    return _INPUT.format(id=question.key, type=kind, value=value, rest=rest)


def _error(key: str, errors: Mapping[str, str]) -> Markup:
    return _ERROR.format(id=key, text=errors[key]) if key in errors else Markup("")


def _described(key: str, errors: Mapping[str, str]) -> Markup:
    if key not in errors:
        return Markup("")
    return Markup(' aria-invalid="true" aria-describedby="{}-wrong"').format(key)
