"""Sends through SendGrid's v3 Mail Send, over one pooled HTTP client.

sendgrid's own client opens a connection a call, has no timeout and prints the key at DEBUG, so
only its helpers are used (see sendgrid_payload).
"""

import logging
import re
import time
from collections.abc import Callable

import httpx

from crm.mail.message import (
    Answer,
    MailRequest,
    NotSent,
    RecipientsRefused,
    Refused,
    TooLarge,
    Unconfirmed,
)
from crm.mail.sendgrid_answers import answer_of
from crm.mail.sendgrid_payload import (
    BodyTooLargeError,
    UnbuildableError,
    UnbuildableRecipientsError,
    build_body,
)

logger = logging.getLogger(__name__)

TIMEOUTS = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=30.0)
"""Seconds. Reading and writing are long: giving up there leaves up to 1000 sends unconfirmed."""

CONNECTIONS = 8

IDLE_SECONDS = 5.0
"""An idle connection is dropped before the far end may do so: a request that meets a connection
just closed is unconfirmed, while a fresh connection costs one handshake."""

# The request's first byte is written only after these can no longer happen.
_NOT_A_BYTE_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _TooLateError(Exception):
    """The request may not leave any more; nothing of it was written."""


_KEY = re.compile(r"[!-~]+")


class SendGridSender:
    """A `Sender`. `base_url` is the global host, the EU host, or a stand-in.

    Raises ValueError for a key or URL that no request could be made with; the words do not
    repeat either.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        clock: Callable[[], float] = time.time,
        timeouts: httpx.Timeout = TIMEOUTS,
    ) -> None:
        if not _KEY.fullmatch(api_key):
            raise ValueError("the SendGrid API key is empty or has spaces or unusual characters")
        self._url = _mail_send_url(base_url)
        self._clock = clock
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
            timeout=timeouts,
            limits=httpx.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
            ),
            follow_redirects=False,
            # Settings alone say where mail goes: no proxy and no .netrc from the environment.
            trust_env=False,
        )

    @property
    def name(self) -> str:
        return "sendgrid"

    def send(self, request: MailRequest) -> Answer:
        try:
            body = build_body(request)
        except BodyTooLargeError:
            return TooLarge()
        except UnbuildableRecipientsError as error:
            return RecipientsRefused(error.reasons, content_at_fault=frozenset(error.reasons))
        except UnbuildableError as error:
            return Refused(str(error))
        except Exception as error:  # noqa: BLE001 - nothing has left: the content is at fault
            logger.warning("a request could not be built: %s", type(error).__name__)
            return Refused(f"the request could not be built: {type(error).__name__}")
        return self._post(body, request.may_leave)

    def _post(self, body: bytes, may_leave: Callable[[], bool]) -> Answer:
        def before_the_first_byte(event: str, _: object) -> None:
            # A process that was stopped for an hour wakes up here, and by now another scheduler may
            # have judged these sends. (httpcore's trace extension: nothing is nearer the socket.)
            if event == "http11.send_request_headers.started" and not may_leave():
                raise _TooLateError

        try:
            response = self._client.post(
                self._url, content=body, extensions={"trace": before_the_first_byte}
            )
        except _TooLateError:
            return NotSent("it could not leave in time")
        except _NOT_A_BYTE_WRITTEN as error:
            return NotSent(f"no connection to SendGrid: {type(error).__name__}")
        except httpx.HTTPError as error:
            return Unconfirmed(f"no clear answer from SendGrid: {type(error).__name__}")
        return answer_of(
            response.status_code, response.headers, response.content, clock=self._clock
        )

    def close(self) -> None:
        self._client.close()


def _mail_send_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url.rstrip("/") + "/v3/mail/send")
    except httpx.InvalidURL:
        raise ValueError("the SendGrid base URL is not a URL") from None
    # Credentials in a URL would replace the key's Authorization header.
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ValueError("the SendGrid base URL needs http(s), a host, and no credentials")
    return url
