"""HTTP to a Supabase project: one pool of connections, one client an identity, errors translated.

The clients share connections and nothing else: keys, tokens and cookies are each client's own.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Protocol

import httpx
from postgrest.exceptions import APIError
from supabase import Client
from supabase.lib.client_options import SyncClientOptions

from crm.database.errors import DatabaseBusyError, DatabaseUnreachableError, InvalidValueError
from crm.database.supabase_errors import UNREACHABLE, refusal

logger = logging.getLogger(__name__)
# They write addresses (filters hold people's) and headers (they hold tokens) into the log.
for _talkative in ("httpx", "httpcore", "hpack"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)

# A claim or an import of thousands of rows takes seconds; a page gives up on connecting early.
TIMEOUTS = httpx.Timeout(60.0, connect=5.0, pool=10.0)
_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=30.0)
# Checking a password takes half a second, and sending a link as long as the mail server takes.
SIGN_IN_TIMEOUTS = httpx.Timeout(20.0, connect=5.0, pool=10.0)
# Asked seldom, and what was asked cannot be asked twice: connections do not wait to go stale.
_SIGN_IN_LIMITS = httpx.Limits(max_connections=10, keepalive_expiry=5.0)
_TRIES = 5  # of a statement that Postgres undid because it met another


class Request(Protocol):
    """What supabase-py's builders have in common once a request is complete."""

    def execute(self) -> Any: ...


class RestConnections:
    """A pool of connections to one project, safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._transport = httpx.HTTPTransport(limits=_LIMITS)
        self._lock = threading.Lock()
        self.request_count = 0

    def client(self, api_key: str, access_token: str) -> Client:
        """A client for one identity. It keeps no session and starts no timers."""
        options = SyncClientOptions(
            headers={"Authorization": f"Bearer {access_token}"},
            auto_refresh_token=False,
            persist_session=False,
            postgrest_client_retry=False,
            httpx_client=httpx.Client(
                transport=self._transport,
                timeout=TIMEOUTS,
                event_hooks={"response": [self._check]},
            ),
        )
        return Client(self._url, api_key, options)

    def send(self, request: Request, *, repeatable: bool) -> Any:
        """The answer; raises members of crm.database.errors.

        `repeatable` says that doing it twice does no harm: then a connection that broke is tried
        once more, because an idle one may have been closed at the other end.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._send(request, repeatable=repeatable)
            except DatabaseBusyError:
                logger.info("a statement met another in opposite order and runs again")
        return self._send(request, repeatable=repeatable)

    def close(self) -> None:
        self._transport.close()

    def _send(self, request: Request, *, repeatable: bool) -> Any:
        try:
            if repeatable:
                try:
                    return request.execute()
                except (httpx.NetworkError, httpx.RemoteProtocolError):
                    logger.info("a connection was lost; asking again on another")
            return request.execute()
        except (httpx.HTTPError, APIError):
            # Neither is passed on: they hold the request, and so the token.
            raise DatabaseUnreachableError(UNREACHABLE) from None
        except UnicodeEncodeError:
            raise InvalidValueError("A value has characters that a database cannot hold.") from None

    def _check(self, response: httpx.Response) -> None:
        with self._lock:
            self.request_count += 1
        if not response.is_success:
            raise refusal(response.status_code, response.read())


class SignInConnections:
    """A pool of connections to one project's Auth, safe to use from several threads."""

    def __init__(self) -> None:
        self._transport = httpx.HTTPTransport(limits=_SIGN_IN_LIMITS)

    def client(self) -> httpx.Client:
        """A client for one request: what it remembers (cookies) meets nobody else's."""
        return httpx.Client(transport=self._transport, timeout=SIGN_IN_TIMEOUTS)

    def close(self) -> None:
        self._transport.close()
