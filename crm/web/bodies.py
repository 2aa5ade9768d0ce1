"""Reading a request's body: Starlette itself sets no limit."""

from __future__ import annotations

from starlette.requests import Request


async def read_body(request: Request, at_most: int) -> bytes | None:
    """The body, or None where it is larger than `at_most` bytes: no more than that is kept.

    Raises:
        starlette.requests.ClientDisconnect: if the client went away in the middle of it.
    """
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > at_most:
            return None
        body += chunk
    return bytes(body)
