"""OpenID Connect providers for tests: one that does everything right, and one that errs on demand.

Both listen on 127.0.0.1 under that very name: browse the app there too, or its cookies are lost.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time as clock
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "mpt-crm"
CLIENT_SECRET = "a-client-secret-of-the-tests-alone"
_METADATA = "/.well-known/openid-configuration"
_START_SECONDS = 20

Claims = Mapping[str, Any]


@contextmanager
def oidc_provider(users: Sequence[Claims], *, port: int, lasts: timedelta) -> Iterator[str]:
    """oidc-provider-mock with these users ("sub" and more claims), one button each on its page;
    yields the issuer. Its id tokens last `lasts`, whole seconds."""
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    command += ["--token-max-age", str(int(lasts.total_seconds()))]
    for user in users:
        command += ["--user-claims", json.dumps(user)]
    issuer = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(issuer)
            yield issuer
        finally:
            process.terminate()


def _wait_for(issuer: str) -> None:
    deadline = clock.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{issuer}{_METADATA}", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError):
            if clock.monotonic() > deadline:
                raise
            clock.sleep(0.1)


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "a-key-of-the-tests"})


@dataclass(slots=True)
class ErringProvider:
    """Asks nobody anything: whoever comes is `user` ("sub" and more claims).

    `wrong` replaces claims of the coming id tokens, such as {"aud": "another-app"}; `key` signs
    them, and only `published` can be checked against; `error` is answered instead of a code.
    """

    issuer: str = ""
    user: Claims = field(default_factory=dict)
    wrong: Claims = field(default_factory=dict)
    error: str = ""
    key: RSAKey = field(default_factory=_new_key)
    published: RSAKey = field(init=False)
    _nonces: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.published = self.key

    def behave(self) -> None:
        """From now on everything is right again."""
        self.wrong, self.error, self.key = {}, "", self.published

    def sign_with_another_key(self) -> None:
        """A key that is not published, under the name of the one that is."""
        self.key = _new_key()

    def routes(self) -> list[Route]:
        return [
            Route(_METADATA, self._metadata),
            Route("/jwks", self._jwks),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
        ]

    async def _metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.published]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        if self.error:
            answer = {"error": self.error}
        else:
            answer = {"code": secrets.token_urlsafe(16)}
            self._nonces[answer["code"]] = asked.get("nonce", "")
        query = urlencode(answer | {"state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", status_code=302)

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            nonce = self._nonces.pop(str(form["code"]))
        return JSONResponse(
            {
                "access_token": secrets.token_urlsafe(16),
                "token_type": "Bearer",
                "expires_in": 3600,
                "id_token": self.id_token(nonce),
            }
        )

    def id_token(self, nonce: str) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "nonce": nonce,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
        }
        header = {"alg": "RS256", "kid": self.published.kid}
        return jwt.encode(header, claims | dict(self.user) | dict(self.wrong), self.key)


@contextmanager
def erring_provider() -> Iterator[ErringProvider]:
    provider = ErringProvider()
    config = uvicorn.Config(
        Starlette(routes=provider.routes()),
        host="127.0.0.1",
        port=0,
        log_level="error",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            clock.sleep(0.01)
        provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield provider
    finally:
        server.should_exit = True
        thread.join()
