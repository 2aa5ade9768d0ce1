"""For any JSON list whatever: reading never raises, and no good event is lost to its neighbours."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.mail.provider_events import MAX_PAYLOAD_CHARACTERS, MAX_SHOWN_CHARACTERS, parse_batch
from tests.cast import NOW
from tests.standins.sendgrid_events import Event, event

_TEXT = st.text(st.characters(), max_size=20)  # surrogates and U+0000 among them
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**200, max_value=10**201)
    | st.floats()
    | _TEXT
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=20
)
_FIELDS = ["event", "email", "timestamp", "sg_message_id", "url", "attempt", "reason", "send_id"]


@st.composite
def _good(draw: st.DrawFn) -> Event:
    told = event(
        draw(st.sampled_from(["processed", "open", "click", "bounce", "blocked", "dropped"])),
        email=draw(st.emails()),
        at=NOW,
        message_id=draw(st.from_regex(r"[A-Za-z0-9_-]{0,22}", fullmatch=True)),
    )
    strange = draw(st.dictionaries(_TEXT, _JSON, max_size=3))
    return strange | told


@st.composite
def _spoiled(draw: st.DrawFn) -> Any:
    return draw(_good()) | {draw(st.sampled_from(_FIELDS)): draw(_JSON)}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans(), _good(), _spoiled() | _JSON)))
def test_no_mixture_raises_or_drops_a_good_neighbour(
    mixture: list[tuple[bool, Event, Any]],
) -> None:
    elements = [good if is_good else other for is_good, good, other in mixture]
    batch = parse_batch(json.dumps(elements).encode())
    assert len(batch.events) + len(batch.problems) == len(elements)
    read = iter(batch.events)
    for is_good, good, _ in mixture:
        if is_good:
            assert any(e.provider_event_id == good["sg_event_id"] for e in read)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_good() | _spoiled(), max_size=5))
def test_whatever_is_read_can_be_stored(elements: list[Any]) -> None:
    batch = parse_batch(json.dumps(elements).encode())
    for read in batch.events:
        stored = json.dumps(read.payload, ensure_ascii=False, allow_nan=False)
        assert len(stored) <= MAX_PAYLOAD_CHARACTERS
        texts = [read.message_id, read.email, read.url, read.attempt]
        assert sum(len(text.encode()) for text in texts) < 2_300  # one index row: 2,704 bytes
        for text in [*texts, read.reason, read.user_agent, read.ip, stored]:
            assert "\x00" not in text
            text.encode()  # raises for half a surrogate pair
    for problem, shown in batch.problems:
        assert len(problem) <= 1_000
        assert len(shown.encode()) >= len(shown) <= MAX_SHOWN_CHARACTERS


@given(st.binary() | st.text().map(str.encode))
def test_no_body_raises(body: bytes) -> None:
    batch = parse_batch(body)
    assert all(isinstance(problem, str) and problem for problem, _ in batch.problems)


@given(st.text(alphabet='[]{},":\\ a1', max_size=60))
def test_no_play_of_brackets_raises(text: str) -> None:
    deep = "[" * 3_000 + "]" * 3_000
    parse_batch(f"[{text}".encode())
    parse_batch(f"[{text},{deep}]".encode())
