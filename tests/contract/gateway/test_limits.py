"""Caps and breakers over either adapter, "no cap" included, which JSON writes as null."""

import json
from dataclasses import replace

import pytest

from crm.database.errors import InvalidValueError, NotAllowedError
from crm.records.app_settings import WarmUp
from db_service import DbService
from tests import cast
from tests.cast import NOW
from tests.conftest import Raw
from tests.contract.gateway.conftest import OpenGateway
from tests.database.sending import values

EVERYTHING = "select md5(string_agg(s::text, ' ' order by s.key)) from app_settings s"


def test_every_limit_can_be_set_and_taken_away(bob: DbService, raw: Raw) -> None:
    before = bob.app_settings.sending_limits()
    capped = replace(
        before,
        account_daily_cap=0,
        contact_daily_cap=3,
        warm_up=WarmUp(NOW.date(), (50, 100)),
        breaker_complaint_percent=0.25,
        breaker_days=9,
    )
    assert bob.app_settings.change_limits(capped, now=NOW) == 5
    assert bob.app_settings.sending_limits() == capped
    free = replace(before, account_daily_cap=None, contact_daily_cap=None, warm_up=None)
    assert bob.app_settings.change_limits(free, now=NOW) == 5
    assert bob.app_settings.sending_limits() == free
    assert bob.app_settings.change_limits(free, now=NOW) == 0
    nothing = "select key from app_settings where value = 'null' and key like '%%cap' order by key"
    assert values(raw, nothing) == ["account_daily_cap", "contact_daily_cap"]


def test_a_change_stands_in_the_audit_log(bob: DbService, raw: Raw) -> None:
    limits = replace(bob.app_settings.sending_limits(), contact_daily_cap=None)
    bob.app_settings.change_limits(limits, now=NOW)
    [entry] = raw.execute(
        "select actor_id::text, row_key, before -> 'value' as before, after -> 'value' as after"
        " from audit_log where relation = 'app_settings'"
    ).fetchall()
    assert entry == {
        "actor_id": cast.BOB_ID,
        "row_key": "contact_daily_cap",
        "before": 1,
        "after": None,
    }


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"send_attempts": "many"}, "numbers_are_numbers"),
        ({"send_attempts": -1}, "numbers_are_numbers"),
        ({"breaker_bounce_percent": 1e9}, "numbers_are_numbers"),
        ({"warm_up": {"starts_on": "soon", "daily": [1]}}, "numbers_are_numbers"),
        ({"contact_daily_cap": "1; drop"}, "whole number above 0"),
        ({"contact_daily_cap": 0}, "whole number above 0"),
        ({"soft_bounce_limit": None}, "Only a cap"),
        ({"sending_halt": "x"}, "no such limit"),
        ({"a_secret": "x"}, "no such limit"),
        ({"default_time_zone": "Mars"}, "no such limit"),
        ([1], "by their names"),
    ],
)
def test_what_makes_no_sense_is_refused_with_all_that_came_along(
    open_gateway: OpenGateway, raw: Raw, limits: object, words: str
) -> None:
    raw.execute("insert into app_settings (key, value, is_secret) values ('a_secret', '1', true)")
    before = values(raw, EVERYTHING)
    given = {"breaker_days": 8} | limits if isinstance(limits, dict) else limits
    with pytest.raises(InvalidValueError, match=words):
        open_gateway(cast.BOB).call("change_limits", p_limits=json.dumps(given), p_now=NOW)
    assert values(raw, EVERYTHING) == before


@pytest.mark.parametrize("who", [cast.ALICE, cast.CHARLIE, cast.ANON])
def test_nobody_but_an_admin_changes_them(open_gateway: OpenGateway, raw: Raw, who: object) -> None:
    before = values(raw, EVERYTHING)
    with pytest.raises(NotAllowedError):
        open_gateway(who).call(  # type: ignore[arg-type]
            "change_limits", p_limits='{"breaker_days": 8}', p_now=NOW
        )
    assert values(raw, EVERYTHING) == before
