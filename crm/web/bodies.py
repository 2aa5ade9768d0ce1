"""Reading a request's body: Starlette itself sets no limit, neither of size nor of time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakKeyDictionary

from starlette.requests import ClientDisconnect, Request

READ_SECONDS = 30.0
WAIT_SECONDS = 10.0
LARGE_BYTES = 1_000_000
LARGE_AT_ONCE = 4
"""How many bodies of more than LARGE_BYTES a process holds at the same time."""

_LENGTH = re.compile(r"[0-9]{1,20}")

# One for each event loop: a semaphore belongs to the loop that first waited for it.
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class BodyRefusedError(Exception):
    """The body was not read to its end; `status` and `words` are for the answer.

    400 the client went away, 408 it was too slow, 413 too large, 503 too many at once.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


async def read_body(request: Request, at_most: int) -> bytes:
    """The body of at most so many bytes.

    Raises:
        BodyRefusedError: if it is larger, too slow, or broke off.
    """
    async with body_of(request, at_most) as body:
        return body


@asynccontextmanager
async def body_of(request: Request, at_most: int) -> AsyncIterator[bytes]:
    """The same; a large body has its place among LARGE_AT_ONCE until the block is left.

    Raises:
        BodyRefusedError: as read_body, or if no place was free for WAIT_SECONDS.
    """
    async with AsyncExitStack() as held:
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _read(request, at_most, held)
        except TimeoutError:
            raise BodyRefusedError(408, "The request came too slowly.") from None
        except ClientDisconnect:
            raise BodyRefusedError(400, "The request broke off.") from None
        yield body


async def _read(request: Request, at_most: int, held: AsyncExitStack) -> bytes:
    promised = _promised(request)
    if promised > at_most:
        raise _too_large(at_most)
    has_place = promised > LARGE_BYTES
    if has_place:
        await _take_place(held)
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > at_most:
            raise _too_large(at_most)
        if not has_place and len(body) + len(chunk) > LARGE_BYTES:
            has_place = True
            await _take_place(held)
        body += chunk
    return bytes(body)


def _promised(request: Request) -> int:
    """By the Content-Length; 0 without one: what comes is counted in any case."""
    length = request.headers.get("Content-Length", "")
    return int(length) if _LENGTH.fullmatch(length) else 0


async def _take_place(held: AsyncExitStack) -> None:
    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(LARGE_AT_ONCE))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await held.enter_async_context(places)
    except TimeoutError:
        words = "Too many large requests at once; please repeat."
        raise BodyRefusedError(503, words) from None


def _too_large(at_most: int) -> BodyRefusedError:
    return BodyRefusedError(413, f"More than {at_most:,} bytes.")
