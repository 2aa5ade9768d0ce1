"""Nothing that one person was told is kept where the next could find it.

Every session of the app runs in one process. Whatever outlives a run there stands below, with the
reason why it may: each cached function, each variable of a module that can change, and what the
objects behind the process's connection hold. tests/pages/test_two_sessions.py tries it out.
"""

from __future__ import annotations

import pytest

from tests.unit.lasting_state import Source, sources

OF_ITS_ARGUMENTS = "a pure function of its arguments, and they are no rows"
OF_THE_WORLD = "the world's countries, zones and holidays; what was asked is a key, not an answer"
OF_THE_CODE = "nothing changes it"
COUNTS = "counts requests, by the address of the caller or of the account"
A_DESK = "of one DbService: of one identity, and gone with its session"

# "file function": by functools or by Streamlit.
CACHED = {
    "crm/database/supabase_shape.py load_shape": "a file of the installation",
    "crm/drip/calendar.py _holidays": OF_THE_WORLD,
    "crm/drip/decide.py describe_window": OF_ITS_ARGUMENTS,
    "crm/drip/decide.py local_text": OF_ITS_ARGUMENTS,
    "crm/imports/places.py country_code": OF_THE_WORLD,
    "crm/imports/places.py zone_name": OF_THE_WORLD,
    "crm/imports/places.py phone_number": OF_ITS_ARGUMENTS,
    "crm/imports/places.py _country_codes": OF_THE_WORLD,
    "crm/imports/places.py _zone_names": OF_THE_WORLD,
    "crm/mail/message.py _any_of": OF_ITS_ARGUMENTS,
    "crm/ui/countries.py country_names": OF_THE_WORLD,
    "crm/ui/countries.py time_zones": OF_THE_WORLD,
    "crm/web/signed_hooks.py _verifier": "made of the installation's public key",
    "db_service.py DbService": A_DESK,
}
# "file name": what a function rebinds or changes, or what a call made that may remember.
CHANGING = {
    "app.py app": "routes, pages and the drip thread",
    "app.py settings": "the installation's settings",
    "crm/database/far_moments.py EARLIEST": OF_THE_CODE,
    "crm/database/far_moments.py LATEST": OF_THE_CODE,
    "crm/drip/expressions.py HTML": OF_THE_CODE,
    "crm/drip/expressions.py TEXT": OF_THE_CODE,
    "crm/mail/finished_mail.py _POLICY": OF_THE_CODE,
    "crm/mail/finished_mail.py _headers": OF_THE_CODE,
    "crm/mail/received_message.py _POLICY": OF_THE_CODE,
    "crm/mail/webhook_signatures.py _SIGNED_WITH": OF_THE_CODE,
    "crm/ui/sign_in.py _ended": "below",
    "crm/web/bodies.py _places": "how many large bodies are being read",
    "crm/web/consent_links.py known_tokens": COUNTS,
    "crm/web/consent_links.py unknown_tokens": COUNTS,
    "crm/web/discovery_form.py addresses": COUNTS,
    "crm/web/discovery_form.py callers": COUNTS,
    "crm/web/discovery_form.py everybody": COUNTS,
    "crm/web/discovery_form.py readers": COUNTS,
    "crm/web/events.py routes": OF_THE_CODE,
    "crm/web/inbound.py routes": OF_THE_CODE,
    "crm/web/sign_in.py callers": COUNTS,
    "crm/web/sign_in.py links": COUNTS,
    "crm/web/sign_in.py links_of_all": COUNTS,
    "crm/web/sign_in.py passwords": COUNTS,
    "crm/web/sign_in.py passwords_of_all": COUNTS,
    "db_service.py _connection": "the process's way to its database; below",
    "db_service.py _lock": "guards _connection",
}
# "file class": of the objects that all sessions use, each attribute.
HELD = {
    "db_service.py Connection": {
        "settings address _server": "the installation's",
        "project direct sign_ins": "below",
    },
    "crm/database/postgres.py PostgresDatabase": {
        "_pool": "each transaction takes on the role and the claims of who asks, and drops them",
        "_signatures": "how functions are declared",
        "statement_count _lock": "a number",
    },
    "crm/database/supabase.py SupabaseDatabase": {
        "_publishable_key _service_key": "the installation's; a person's token is in their gateway",
        "connections": "below",
        "pages row_limit": "numbers of rows, the largest so far",
    },
    "crm/database/supabase.py PageSizes": {"_largest _lock": "a number"},
    "crm/database/supabase.py RowLimit": {"_rows _lock": "a number"},
    "crm/database/supabase_transport.py RestConnections": {
        "_transport": "connections without a token: each client sends its own",
        "_url": "the installation's",
        "request_count _lock": "a number",
    },
    "crm/database/supabase_transport.py SignInConnections": {
        "_transport": "connections without a token: each request brings its own",
    },
    "crm/database/supabase_auth.py SupabaseAuth": {
        "_url _headers _provider": "the installation's",
        "_connections": "above",
    },
    "crm/database/sign_ins.py SignIns": {
        "auth": "above",
        "_sign_ins": "tokens, each by a secret key that one browser has",
        "_exchanges": "keys, by the hash of an id token that one browser has",
        "_lock": "guards them",
    },
    "crm/ui/sign_in.py EndedTokens": {"_ends _lock": "hashes of tokens, which are only refused"},
}


@pytest.fixture(scope="module")
def found() -> list[Source]:
    return sources()


def test_every_cached_function_is_known_and_harmless(found: list[Source]) -> None:
    assert _named(found, "cached") == set(CACHED)


def test_every_variable_that_can_change_is_known_and_harmless(found: list[Source]) -> None:
    assert _named(found, "changing") == set(CHANGING)


def test_nothing_of_streamlits_own_caches_is_used(found: list[Source]) -> None:
    assert _named(found, "streamlit_caches") == set()


@pytest.mark.parametrize("name", HELD)
def test_what_all_sessions_use_holds_nothing_of_theirs(found: list[Source], name: str) -> None:
    path, class_ = name.split()
    [source] = [source for source in found if source.path == path]
    known = {attribute for attributes in HELD[name] for attribute in attributes.split()}
    assert source.attributes(class_) == known


def _named(found: list[Source], kind: str) -> set[str]:
    return {f"{source.path} {name}" for source in found for name in getattr(source, kind)()}


# Negative controls

REMEMBERING = {
    "from functools import cache\n@cache\ndef rows(): ...": "cached",
    "import functools\ndef f(): ...\nrows = functools.lru_cache(f)": "cached",
    "from functools import cached_property\nclass C:\n @cached_property\n def f(s): ...": "cached",
    "import streamlit as st\n@st.cache_data(ttl=60)\ndef rows(db): ...": "streamlit_caches",
    "import streamlit as st\ndb = st.cache_resource(print)": "streamlit_caches",
    "import streamlit as st\ndef f(): return st.connection('x')": "streamlit_caches",
    "from streamlit import cache_data": "streamlit_caches",
    "last = None\ndef f(x):\n  global last\n  last = x": "changing",
    "rows = {}": "changing",
    "rows: list[str] = []": "changing",
    "rows = set()": "changing",
    "KNOWN = {1: 2}\ndef f(x): KNOWN[x] = x": "changing",
    "KNOWN = {1: 2}\ndef f(x): KNOWN.setdefault(x, x)": "changing",
    "class C: ...\ndef f(x): C.last = x": "changing",
    "def f(x): f.last = x": "changing",
    "from crm import other\ndef f(x): other.last = x": "changing",
    "here = threading.local()": "changing",
    "client = Client('x')": "changing",
}


@pytest.mark.parametrize("code", REMEMBERING)
def test_what_remembers_is_found(code: str) -> None:
    source = Source("some.py", code)
    kinds = {kind for kind in ("cached", "changing", "streamlit_caches") if getattr(source, kind)()}
    assert REMEMBERING[code] in kinds


def test_what_only_reads_is_not_found() -> None:
    code = (
        "import re\nimport streamlit as st\nWORD = re.compile('x')\nKNOWN = {1: 2}\n"
        "def f(rows):\n  rows.append(KNOWN[1])\n  st.session_state['x'] = rows\n  return rows"
    )
    source = Source("some.py", code)
    assert not [*source.cached(), *source.changing(), *source.streamlit_caches()]
