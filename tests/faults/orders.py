"""What the nursery is asked to start, as one JSON line each."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Role = Literal["scheduler", "web"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One process. `settings` are fields of crm.settings.Settings; `folder` holds its clock.

    A scheduler sends itself `signal_number` when it passes `point` for the n-th time (`passes`), or
    gets SIGKILL from outside `kill_after` seconds after its start. Its own clock is
    `skew_seconds` ahead. It gives up on the provider after `patience` seconds.
    """

    role: Role
    folder: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    point: str = ""
    passes: int = 1
    signal_number: int = signal.SIGKILL
    kill_after: float | None = None
    skew_seconds: float = 0.0
    patience: float = 1.0
    port: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        return cls(**json.loads(text))
