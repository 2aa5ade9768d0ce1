"""Signed deliveries to the event webhook over real HTTP."""

from __future__ import annotations

from datetime import datetime

import httpx

from tests.standins.sendgrid_events import PATH, Event, EventEmitter

# An answer that takes longer is none: what was stored all the same is then told again.
_TIMEOUT_SECONDS = 3.0


class Deliveries:
    """Posts batches of events; any answer but a 2xx, or none, is a failed delivery."""

    def __init__(self, port: int, signer: EventEmitter) -> None:
        self._signer = signer
        self._url = f"http://127.0.0.1:{port}{PATH}"
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)

    def post(self, events: list[Event], at: datetime) -> bool:
        """`at`: when the request is signed, in simulated time."""
        timestamp = int(at.timestamp())
        try:
            answer = self._signer.post(self._url, events, timestamp=timestamp, client=self._client)
        except httpx.HTTPError:
            return False
        return answer.is_success

    def close(self) -> None:
        self._client.close()
