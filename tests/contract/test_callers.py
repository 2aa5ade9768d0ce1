"""Who asks a public route, as its limits see it: behind a proxy on this machine, or not."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from crm.web import unsubscribe
from tests.contract.public_site import serving


@pytest.fixture
def site(address: str) -> Iterator[httpx.Client]:
    with serving(unsubscribe.routes, address) as client:
        yield client


def test_a_caller_cannot_choose_its_own_address(site: httpx.Client) -> None:
    """From an address that is no proxy of ours: whatever the header says, it is one caller."""
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=site.base_url, transport=transport) as stranger:
        statuses = [
            stranger.get(
                f"/unsubscribe/unknown-{number}", headers={"X-Forwarded-For": f"192.0.2.{number}"}
            ).status_code
            for number in range(40)
        ]
    assert statuses[:30] == [404] * 30
    assert set(statuses[30:]) == {429}


def test_callers_behind_a_proxy_on_this_machine_each_have_their_own_limit(
    site: httpx.Client,
) -> None:
    statuses = {
        site.get(
            f"/unsubscribe/unknown-{number}", headers={"X-Forwarded-For": f"198.51.100.{number}"}
        ).status_code
        for number in range(40)
    }
    assert statuses == {404}
    # What a caller wrote into the header itself stands before what the proxy added, and is not it.
    told = {"X-Forwarded-For": "203.0.113.9, 198.51.100.200"}
    refused = [
        site.get("/unsubscribe/unknown", headers=told | {"X-Real-IP": f"203.0.113.{number}"})
        for number in range(31)
    ]
    assert refused[-1].status_code == 429
