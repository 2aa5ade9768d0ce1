"""Does a form come from a page of our own? Against requests that another site makes in a person's
browser, such as signing them in as somebody else."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request


def is_from_our_page(request: Request, public_url: str) -> bool:
    """By what browsers add and no page can change: Sec-Fetch-Site, or Origin (RFC 6454, 7) where
    an older one does not send it. A request with neither is not from a browser's form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    # Not Request.url: behind a proxy the app does not see the address that the browser shows.
    return origin is not None and origin == _origin_of(public_url)


def _origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()
