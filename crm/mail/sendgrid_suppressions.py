"""SendGrid's suppression lists over its v3 API: read them all, and add people who said stop.

An address that joins or leaves a list while it is being read can be missed, since its pages are
counted by offset; the next check finds it.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Literal

import httpx

from crm.mail.message import RateLimited, Unauthorized
from crm.mail.sendgrid_answers import answer_of

logger = logging.getLogger(__name__)

ListName = Literal["bounces", "invalid_emails", "spam_reports", "unsubscribes"]

PAGE_SIZE = 500
"""SendGrid gives no more at once."""

BATCH_SIZE = 1000
"""Addresses added by one request."""

TRIES = 5
LONGEST_WAIT_SECONDS = 120.0
TIMEOUTS = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=30.0)


class SuppressionListsError(Exception):
    """SendGrid could not be asked; the words may be shown. `retry_after` is in seconds, None where
    asking again would bring the same answer."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        return self.retry_after is None


class SuppressionClient:
    """Reads and adds; it can't remove. Every method raises SuppressionListsError."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        timeouts: httpx.Timeout = TIMEOUTS,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/v3/",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeouts,
            follow_redirects=False,
            # Settings alone say where the key goes: no proxy and no .netrc from the environment.
            trust_env=False,
        )

    def pages(self, name: ListName) -> Iterator[list[str]]:
        """The addresses of a list as SendGrid spells them, up to 500 at a time."""
        before: list[str] = []
        for offset in itertools.count(0, PAGE_SIZE):
            path = f"suppression/{name}?limit={PAGE_SIZE}&offset={offset}"
            page = _addresses(self._ask("GET", path).content)
            if page and page == before:
                raise SuppressionListsError("SendGrid gave the same page twice.")
            yield page
            if len(page) < PAGE_SIZE:
                return
            before = page

    def add_unsubscribes(self, emails: Sequence[str]) -> None:
        """Add up to 1000 addresses to the global unsubscribes; known ones stay as they are.

        Raises:
            ValueError: for more than 1000.
        """
        if len(emails) > BATCH_SIZE:
            raise ValueError(f"at most {BATCH_SIZE} addresses a request")
        body = json.dumps({"recipient_emails": list(emails)}).encode()
        self._ask("POST", "asm/suppressions/global", body)

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        """Both requests may be repeated without harm, so what may pass later is waited for."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, path, body)
            except SuppressionListsError as error:
                wait = error.retry_after
                if wait is None or wait > LONGEST_WAIT_SECONDS or attempt == TRIES:
                    raise
                logger.info("suppression lists: attempt %d failed, waiting %.0f s", attempt, wait)
                self._sleep(max(wait, 2.0 ** (attempt - 1)))

    def _once(self, method: str, path: str, body: bytes | None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            response = self._client.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            words = f"SendGrid cannot be reached ({type(error).__name__})."
            raise SuppressionListsError(words, retry_after=1.0) from None
        if not response.is_success:
            raise self._refusal(response)
        return response

    def _refusal(self, response: httpx.Response) -> SuppressionListsError:
        status = response.status_code
        answer = answer_of(status, response.headers, response.content, clock=self._clock)
        if isinstance(answer, RateLimited):
            words = "SendGrid asks to wait; try again later."
            return SuppressionListsError(words, retry_after=answer.retry_after_seconds)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            reason = answer.reason if isinstance(answer, Unauthorized) else str(status)
            return SuppressionListsError(
                f"SENDGRID_API_KEY: SendGrid refuses it ({reason}). "
                "The key needs full access to Suppressions."
            )
        passing = status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT
        words = f"SendGrid answered with status {status}."
        return SuppressionListsError(words, retry_after=1.0 if passing else None)


def _addresses(body: bytes) -> list[str]:
    try:
        return [str(entry["email"]) for entry in json.loads(body)]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SuppressionListsError("SendGrid's answer is not a suppression list.") from None
