"""What a person could do with their token and no application between: requests to the REST API
that supabase-py has no words for. Whatever they ask for, they get what the matrix gives them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from tests import cast
from tests.conftest import Raw
from tests.contract.gateway.access_cells import carols, everything
from tests.database import access_matrix as matrix
from tests.database.access_probes import ALICES_CONTACT, CAROLS_CONTACT, FIRST, SECOND, THIRD
from tests.standins.supabase_lite import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY, token

AN_HOUR = timedelta(hours=1)
FOREVER = 4_102_444_800  # a token's "exp", in seconds: the year 2100
ASKING_IT_ALL = "email_sends?select=contact_id"

Ask = Callable[..., httpx.Response]


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def __str__(self) -> str:
        said = "; ".join(self.headers.values())
        return f"{self.method} {self.path[:60]} {said}".strip()


def upsert(path: str, **row: object) -> Request:
    return Request(path, "POST", {"Prefer": "resolution=merge-duplicates"}, row)


@pytest.fixture
def ask(raw: Raw, project_url: str) -> Ask:
    """Sends a request with somebody's token, and the key that every browser may know."""
    matrix.set_the_stage(raw)

    def send(
        request: Request, bearer: str | None = "", *, key: str | None = PUBLISHABLE_KEY
    ) -> httpx.Response:
        bearer = of(cast.ALICE_ID) if bearer == "" else bearer
        headers = {"apikey": key, "Authorization": bearer and f"Bearer {bearer}"}
        return httpx.request(
            request.method,
            f"{project_url}/rest/v1/{request.path}",
            headers=request.headers | {name: value for name, value in headers.items() if value},
            json=request.body,
        )

    return send


def of(user_id: str) -> str:
    return token(user_id, lasts=AN_HOUR)


# Alice may read her own sends, events and decisions and no others.
READING = [
    Request(ASKING_IT_ALL),
    Request(f"{ASKING_IT_ALL}&contact_id=in.({ALICES_CONTACT},{CAROLS_CONTACT})"),
    Request(f"{ASKING_IT_ALL}&or=(contact_id.eq.{CAROLS_CONTACT},contact_id.not.is.null)"),
    Request(f"{ASKING_IT_ALL}&order=contact_id.desc&limit=100000"),
    Request(ASKING_IT_ALL, headers={"Range": "0-999999", "Prefer": "count=exact"}),
    Request(ASKING_IT_ALL, headers={"Prefer": "count=planned"}),
    Request(ASKING_IT_ALL, headers={"Prefer": "tx=commit"}),
    Request(ASKING_IT_ALL, headers={"Accept-Profile": "public"}),
    Request("contacts?select=email_sends(contact_id)"),
    Request("contacts?select=email_events!inner(contact_id)"),
    Request("contacts?select=drip_decisions(contact_id)&id=not.is.null"),
    Request("campaign_enrollments?select=contacts(email_sends(contact_id))"),
    Request("contacts?select=...email_sends(contact_id)"),
    Request("send_list?select=contact_id"),
    Request("event_list?select=contact_id"),
]


def test_what_is_read_ends_where_the_rows_do(ask: Ask) -> None:
    everybodys = {str(request): ask(request, of(cast.BOB_ID)).text for request in READING}
    assert [what for what, text in everybodys.items() if CAROLS_CONTACT not in text] == []
    hers = {str(request): ask(request) for request in READING}
    assert [what for what, answer in hers.items() if not answer.is_success] == []
    assert [what for what, answer in hers.items() if CAROLS_CONTACT in answer.text] == []


def test_a_count_ends_where_the_rows_do(ask: Ask) -> None:
    exactly = {"Prefer": "count=exact"}
    for method in ("GET", "HEAD"):
        counting = Request(ASKING_IT_ALL, method, exactly)
        assert ask(counting).headers["content-range"] == "0-0/1"
        assert ask(counting, of(cast.BOB_ID)).headers["content-range"] == "0-1/2"
    assert ask(Request("audit_log", "HEAD", exactly)).headers["content-range"] == "*/0"
    assert ask(Request(ASKING_IT_ALL, "OPTIONS")).text == ""


# What the right role may do for all rows, a sales person does to theirs, or to none.
CHANGING = [
    Request("contacts", "PATCH", body={"notes": "x"}),
    Request(f"contacts?id=eq.{CAROLS_CONTACT}", "PATCH", body={"owner_id": cast.ALICE_ID}),
    Request("contacts", "DELETE"),
    Request(f"contacts?id=eq.{CAROLS_CONTACT}", "DELETE"),
    Request("campaign_enrollments", "PATCH", body={"last_step": 3}),
    Request("projects", "PATCH", body={"owner_id": cast.ALICE_ID}),
    Request(
        "contacts?on_conflict=id",
        "POST",
        {"Prefer": "resolution=ignore-duplicates"},
        {"id": CAROLS_CONTACT, "first_name": "Stolen"},
    ),
]


def test_a_change_ends_where_the_rows_do(raw: Raw, ask: Ask) -> None:
    before = carols(raw)
    assert [str(request) for request in CHANGING if not ask(request).is_success] == []
    assert carols(raw) == before


# The refusal each is answered with: Postgres's own 42501, or PostgREST's for what it does not show.
_UPSERTED = {"id": CAROLS_CONTACT, "first_name": "Stolen", "owner_id": cast.ALICE_ID}
_MOVED = {"contact_id": CAROLS_CONTACT}
_AS_ADMIN = {"email": "alice@mpt.example", "full_name": "Alice", "role": "admin"}
REFUSED = [
    (upsert("contacts", **_UPSERTED), "42501"),
    (upsert("contacts?on_conflict=id", **_UPSERTED), "42501"),
    (Request(f"contacts?id=eq.{CAROLS_CONTACT}", "PUT", {}, _UPSERTED), "42501"),
    (upsert("projects", id=SECOND, name="x", owner_id=cast.ALICE_ID, **_MOVED), "42501"),
    (upsert("campaign_enrollments", id=SECOND, campaign_id=THIRD, **_MOVED), "42501"),
    (upsert("profiles", id=cast.ALICE_ID, **_AS_ADMIN), "42501"),
    (upsert("app_settings", key="default_country", value="US"), "42501"),
    (Request(f"profiles?id=eq.{cast.ALICE_ID}", "PATCH", {}, {"role": "admin"}), "MP001"),
    (Request(f"campaign_enrollments?id=eq.{FIRST}", "PATCH", {}, _MOVED), "MP"),
    (Request(f"activities?contact_id=eq.{ALICES_CONTACT}", "PATCH", {}, _MOVED), "42501"),
    (Request("profiles?select=email"), "42501"),
    (Request("profiles?select=id&email=like.b*"), "42501"),
    (Request("profiles?select=id&order=phone"), "42501"),
    (Request("contacts?select=id,profiles!owner_id(email)"), "42501"),
    (Request("webhook_endpoints?select=secret"), "42501"),
    (Request("webhook_endpoints?select=id&secret=like.a*"), "42501"),
    (Request("email_sends?select=contact_id.count()"), "PGRST123"),
    (Request("pg_authid"), "PGRST205"),
    (Request("private.contacts"), "PGRST205"),
    (Request("contacts", headers={"Accept-Profile": "private"}), "PGRST106"),
    (Request("users", headers={"Accept-Profile": "auth"}), "PGRST106"),
    (Request("pg_authid", headers={"Accept-Profile": "pg_catalog"}), "PGRST106"),
    (Request("contacts", "POST", {"Content-Profile": "private"}, {}), "PGRST106"),
    (Request("rpc/is_admin", "POST", {"Content-Profile": "private"}, {}), "PGRST106"),
    (Request("rpc/is_admin", "POST", {}, {}), "PGRST202"),
    (Request("rpc/set_config", "POST", {}, {"setting_name": "role"}), "PGRST202"),
    (Request(f"rpc/halt_sending?p_reason=x&p_now={cast.NOW:%Y-%m-%dT%H:%MZ}"), "42501"),
]


def test_what_is_nobodys_business_is_refused(raw: Raw, ask: Ask) -> None:
    before = everything(raw)
    for request, code in REFUSED:
        answer = ask(request)
        assert answer.is_client_error, request
        assert str(answer.json()["code"]).startswith(code), request
    assert everything(raw) == before


def test_a_webhook_secret_is_no_admins_to_read_either(ask: Ask) -> None:
    for query in ("select=secret", "select=id&secret=like.s*", "select=id&order=secret"):
        answer = ask(Request(f"webhook_endpoints?{query}"), of(cast.BOB_ID))
        assert (answer.status_code, answer.json()["code"]) == (403, "42501"), query


def test_the_list_of_what_there_is_stays_closed(ask: Ask) -> None:
    assert "webhook" not in ask(Request("")).text


# Tokens

_BOB = {"sub": cast.BOB_ID, "role": "authenticated", "exp": FOREVER}
_OUTSIDER = {**_BOB, "sub": cast.CHARLIE_ID}
_ELSEWHERE = "the secret of another project, just as long as ours"
FORGED = {
    "signed with another secret": jwt.encode(_BOB, _ELSEWHERE, "HS256"),
    "the service's role, signed with another secret": jwt.encode(
        {"role": "service_role", "exp": FOREVER}, _ELSEWHERE, "HS256"
    ),
    "the service's role, not signed at all": jwt.encode(
        {"role": "service_role", "exp": FOREVER}, "", "none"
    ),
    "Bob's, not signed at all": jwt.encode(_BOB, "", "none"),
    "ended": token(cast.BOB_ID, lasts=-AN_HOUR),
    "without a role": jwt.encode({"sub": cast.BOB_ID, "exp": FOREVER}, JWT_SECRET, "HS256"),
    "with the role of nobody": jwt.encode({**_BOB, "role": "anon"}, JWT_SECRET, "HS256"),
    "with a role there is not": jwt.encode({**_BOB, "role": "admin"}, JWT_SECRET, "HS256"),
    "with a person who is none": jwt.encode({**_BOB, "sub": "x' or true"}, JWT_SECRET, "HS256"),
    "the service's key in a token's place": SECRET_KEY[:-1] + "x",
}
POWERLESS = {
    "without a person": jwt.encode({"role": "authenticated", "exp": FOREVER}, JWT_SECRET, "HS256"),
    "of an outsider": jwt.encode(_OUTSIDER, JWT_SECRET, "HS256"),
    "of an outsider who writes about themselves": jwt.encode(
        {**_OUTSIDER, "user_metadata": {"role": "admin"}, "app_metadata": {"role": "admin"}},
        JWT_SECRET,
        "HS256",
    ),
}


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_token_that_is_not_in_order_opens_nothing(raw: Raw, ask: Ask, method: str) -> None:
    request = Request("contacts?id=not.is.null", method, body={"notes": "x"})
    assert CAROLS_CONTACT in ask(Request("contacts?select=id"), of(cast.BOB_ID)).text
    before = everything(raw)
    for what, bearer in FORGED.items():
        assert ask(request, bearer).is_error, what
        assert ask(request, None, key=bearer).is_error, what
    for what, bearer in POWERLESS.items():
        assert ask(request, bearer).text in {"[]", ""}, what
    assert ask(request, None).status_code == 401, "the key of every browser alone"
    assert ask(request, key=None).status_code == 401, "no key at all"
    assert everything(raw) == before


def test_a_person_stays_that_person_whatever_key_and_header_come_along(ask: Ask) -> None:
    forging = {
        "X-Role": "service_role",
        "Role": "service_role",
        "Cookie": f"sb-access-token={of(cast.BOB_ID)}",
        "X-Forwarded-User": cast.BOB_ID,
    }
    for answer in (
        ask(Request(ASKING_IT_ALL, headers=forging)),
        ask(Request(ASKING_IT_ALL), key=SECRET_KEY),
        ask(Request(f"{ASKING_IT_ALL}&apikey={SECRET_KEY}")),
    ):
        assert answer.json() == [{"contact_id": ALICES_CONTACT}] or answer.is_client_error
