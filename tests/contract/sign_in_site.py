"""The sign-in by e-mail as a site of its own, before a Supabase project that is really asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from crm.settings import load_settings
from crm.web import sign_in
from db_service import connect, disconnect
from tests import cast
from tests.contract.supabase_only import serving, supabase_environment
from tests.standins.supabase_lite import SupabaseStandIn

EMAIL, PASSWORD = "alice@mpt.example", "correct horse battery staple"
PUBLIC_URL = "https://crm.mpt.example"
OURS = {"Origin": PUBLIC_URL}
COOKIE = "__Host-mpt_sign_in"
POSTS = ("/sign-in/password", "/sign-in/link", "/sign-in/confirm", "/sign-out")


@contextmanager
def sign_in_site(project_url: str, **more: str) -> Iterator[httpx.Client]:
    """Published under PUBLIC_URL, with no limit used up; `more` are settings by their names."""
    for limit in (
        sign_in.callers,
        sign_in.passwords,
        sign_in.passwords_of_all,
        sign_in.links,
        sign_in.links_of_all,
    ):
        limit.forget()
    environment = supabase_environment(project_url) | {"PUBLIC_URL": PUBLIC_URL} | more
    connect(load_settings(_env_file=None, **{k.lower(): v for k, v in environment.items()}))
    try:
        with serving(sign_in.routes) as site:
            yield site
    finally:
        disconnect()


def add_alice(supabase: SupabaseStandIn, project_url: str) -> None:
    """Her account, with a password."""
    supabase.set_up_sign_in(project_url, site_url=PUBLIC_URL)
    supabase.add_person(project_url, EMAIL, PASSWORD, user_id=cast.ALICE_ID)


def post(site: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return site.post(path, data=fields, headers=OURS)


def key_of(answer: httpx.Response) -> str:
    """The value of the cookie that the answer sets."""
    (cookie,) = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    assert name == COOKIE
    return str(rest.partition(";")[0])


def who(key: str) -> str | None:
    sign_ins = connect().sign_ins
    assert sign_ins
    return sign_ins.identity(key, now=datetime.now(UTC)).user_id


def mailed(supabase: SupabaseStandIn, project_url: str, email: str = EMAIL) -> list[str]:
    """The mail is sent after the answer."""
    for _ in range(50):
        if links := supabase.links_for(project_url, email):
            return links
        time.sleep(0.1)
    return []


def token_hash_of(link: str) -> str:
    return str(httpx.URL(link).params["token_hash"])


def assert_a_page(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
