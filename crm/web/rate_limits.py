"""Limits on what one caller may ask of a public route, counted in this process.

Made here because of what was found in the `limits` package (5.8.0): its in-memory moving window
keeps every key it ever saw, so whoever can invent keys can fill the memory.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.requests import Request

KEYS_AT_MOST = 10_000
_LONGEST_KEY = 300  # characters


class RateLimit:
    """At most `times` requests of one key within any `seconds`; refused ones do not count.

    Memory is bounded whatever the keys are: with `keys_at_most` of them in use, a new one replaces
    the one unseen for longest, which then starts afresh.
    """

    def __init__(
        self,
        times: int,
        seconds: float,
        *,
        keys_at_most: int = KEYS_AT_MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._times = times
        self._seconds = seconds
        self._keys_at_most = keys_at_most
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, key: str) -> int | None:
        """Count a request: None if it is within the limit, otherwise the whole seconds to wait."""
        now = self._clock()
        with self._lock:
            moments = self._moments_of(key[:_LONGEST_KEY])
            if len(moments) < self._times or now - moments[0] >= self._seconds:
                # A full deque lets its oldest moment go.
                moments.append(now)
                return None
            return max(1, math.ceil(moments[0] + self._seconds - now))

    def forget(self) -> None:
        """Start afresh for everybody."""
        with self._lock:
            self._seen.clear()

    def __len__(self) -> int:
        """The keys remembered now."""
        return len(self._seen)

    def _moments_of(self, key: str) -> deque[float]:
        moments = self._seen.get(key)
        if moments is None:
            moments = self._seen[key] = deque(maxlen=self._times)
            if len(self._seen) > self._keys_at_most:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return moments


def client_address(request: Request) -> str:
    """Who asks: an IPv4 address, or the /64 network of an IPv6 one, all of which one person has.

    X-Forwarded-For is the server's affair: uvicorn believes it from a proxy on this very machine
    (127.0.0.1) and from nobody else, and takes the last address in it that such a proxy did not
    add itself. So a proxy here must set the header, as they all do unless told otherwise; one that
    only passes it on lets callers choose their address. FORWARDED_ALLOW_IPS names proxies elsewhere
    (until then all who come through one share one limit), and never `*` where the app can be
    reached past the proxy.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
