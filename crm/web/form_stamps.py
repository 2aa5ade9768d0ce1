"""A signed moment in a public form: when it was shown, so that nobody fills it in without looking.

It holds no secret and no name, and may be used more than once: limits keep repetition down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from itsdangerous import Signer
from itsdangerous.exc import BadSignature

LEAST = timedelta(seconds=3)
MOST = timedelta(hours=24)
_LONGEST = 200  # characters


class Freshness(Enum):
    GOOD = "good"
    TOO_FAST = "too fast"  # for a person
    STALE = "stale"  # or not ours


def stamp(keys: Sequence[str], now: datetime) -> str:
    """The first key signs; all verify."""
    return _signer(keys).sign(str(int(now.timestamp()))).decode("ascii")


def judge(keys: Sequence[str], text: str, now: datetime) -> Freshness:
    try:
        seconds = int(_signer(keys).unsign(text[:_LONGEST]))
    except (BadSignature, ValueError):
        return Freshness.STALE
    age = now - datetime.fromtimestamp(seconds, UTC)
    if age > MOST:
        return Freshness.STALE
    return Freshness.TOO_FAST if age < LEAST else Freshness.GOOD


def _signer(keys: Sequence[str]) -> Signer:
    # itsdangerous signs with the last key of its list; the settings put the newest first.
    return Signer(list(reversed(keys)), salt="discovery-form", digest_method=hashlib.sha256)
