"""An app with a sign-in may be reached by others, under the address it is published at alone."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.browser.app_server import free_port
from tests.browser.sign_in_server import (
    COOKIE_SECRET,
    SignInServer,
    oidc_settings,
    sign_in_server,
)
from tests.standins.oidc_provider import ErringProvider, erring_provider

PUBLIC_URL = "https://crm.mpt.example"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def provider() -> Iterator[ErringProvider]:
    with erring_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def site(provider: ErringProvider) -> Iterator[SignInServer]:
    """Behind a proxy that speaks https, on every address of the machine."""
    settings = oidc_settings(provider.issuer) | {"PUBLIC_URL": PUBLIC_URL}
    with sign_in_server(free_port(), settings, arguments=("--server.address", "0.0.0.0")) as site:
        yield site


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "crm.mpt.example", "Origin": PUBLIC_URL}, 101),
        # A proxy that does not pass the name on.
        ({"Host": "127.0.0.1:8501", "Origin": PUBLIC_URL}, 101),
        ({"Host": "crm.mpt.example", "Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example", "Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example", "Origin": PUBLIC_URL}, 403),
        ({"Host": "other.mpt.example", "Origin": "https://other.mpt.example"}, 403),
    ],
)
def test_a_live_connection_is_for_the_published_address(
    site: SignInServer, headers: dict[str, str], status: int
) -> None:
    with httpx.stream("GET", f"{site.url}/_stcore/stream", headers=UPGRADE | headers) as answer:
        assert answer.status_code == status


def test_the_whole_way_is_the_published_one_and_its_cookies_are_held_to_https(
    site: SignInServer, provider: ErringProvider
) -> None:
    """Though the proxy asks for it under a name of its own."""
    provider.user = {"sub": "bob", "email": "bob@mpt.example"}
    login = httpx.get(f"{site.url}/auth/login", params={"provider": _which_provider()})
    assert httpx.URL(login.headers["location"]).params["redirect_uri"] == (
        f"{PUBLIC_URL}/oauth2callback"
    )
    (state,) = login.headers.get_list("set-cookie")
    assert state.startswith("_streamlit_session=")
    back = httpx.URL(httpx.get(login.headers["location"]).headers["location"])
    callback = httpx.get(
        f"{site.url}/oauth2callback",
        params=back.params,
        headers={"Cookie": state.partition(";")[0]},
    )
    assert callback.headers["location"] == "/"
    cookies = callback.headers.get_list("set-cookie")
    assert [c for c in cookies if c.startswith("_streamlit_user=")]
    for cookie in (state, *cookies):
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax"} <= attributes
    assert callback.headers["strict-transport-security"] == "max-age=31536000"
    assert "wss://crm.mpt.example" in callback.headers["content-security-policy"]


def _which_provider() -> str:
    """As st.login names it to the server."""
    claims = {"provider": "default", "exp": int(clock.time()) + 60}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(COOKIE_SECRET))
