"""Fixtures for the stand-ins; tests/conftest.py imports them for everyone."""

from collections.abc import Iterator

import pytest

from tests.standins.sendgrid import SendGridStandIn


@pytest.fixture
def sendgrid_standin() -> Iterator[SendGridStandIn]:
    with SendGridStandIn() as standin:
        yield standin
