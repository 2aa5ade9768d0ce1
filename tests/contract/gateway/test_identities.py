"""Who asks decides what they see, over either adapter, and no identity leaks into another call."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.database.errors import NotAllowedError, SignedOutError
from crm.database.gateway import SERVICE, signed_in
from crm.database.supabase import SupabaseDatabase
from tests import cast
from tests.conftest import AContact
from tests.contract.gateway.conftest import OpenGateway
from tests.standins.supabase_lite import PUBLISHABLE_KEY, SECRET_KEY, token

A_YEAR = timedelta(days=365)


def test_each_identity_sees_what_it_may(open_gateway: OpenGateway, a_contact: AContact) -> None:
    a_contact()
    a_contact(owner_id=cast.CAROL_ID)
    assert open_gateway(SERVICE).count("contacts") == 2
    assert open_gateway(cast.BOB).count("contacts") == 2
    assert open_gateway(cast.ALICE).count("contacts") == 2
    assert open_gateway(cast.CHARLIE).count("contacts") == 0, "no longer staff"
    assert open_gateway(cast.CHARLIE).select("contacts") == []
    with pytest.raises(NotAllowedError):
        open_gateway(cast.ANON).count("contacts")
    with pytest.raises(NotAllowedError):
        open_gateway(cast.ANON).select("contacts")
    with pytest.raises(NotAllowedError):
        open_gateway(cast.ANON).call("request_run", p_now=cast.NOW)


def test_identities_do_not_mix_across_threads(
    open_gateway: OpenGateway, a_contact: AContact
) -> None:
    a_contact()
    expected = [(cast.ALICE, 1), (cast.BOB, 1), (cast.CHARLIE, 0), (SERVICE, 1)]
    gateways = [(open_gateway(who), seen) for who, seen in expected]

    def ask(n: int) -> bool:
        gateway, seen = gateways[n % len(gateways)]
        return gateway.count("contacts") == seen

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(60)))


def test_an_ended_sign_in_is_told_apart(project: SupabaseDatabase) -> None:
    ended = token(cast.BOB_ID, lasts=-timedelta(seconds=1))
    forged = token(cast.BOB_ID, lasts=A_YEAR)[:-4] + "AAAA"
    for access_token in (ended, forged):
        gateway = project.gateway(signed_in(cast.BOB_ID, access_token=access_token))
        for ask in (gateway.count, gateway.select):
            with pytest.raises(SignedOutError, match="sign in again") as refusal:
                ask("contacts")
            assert refusal.value.permanent
        with pytest.raises(SignedOutError):
            gateway.call("request_run", p_now=cast.NOW)


def test_a_person_without_a_token_is_signed_out(project: SupabaseDatabase) -> None:
    with pytest.raises(SignedOutError):
        project.gateway(signed_in(cast.BOB_ID))
    with pytest.raises(SignedOutError):
        project.gateway(signed_in(cast.BOB_ID, access_token=""))


def test_a_token_is_in_no_text_about_its_identity() -> None:
    assert "secret" not in repr(signed_in(cast.BOB_ID, access_token="secret"))


def test_the_older_keys_work_too(project_url: str, a_contact: AContact) -> None:
    a_contact()
    database = SupabaseDatabase(
        project_url,
        token(None, role="anon", lasts=A_YEAR),
        token(None, role="service_role", lasts=A_YEAR),
    )
    try:
        assert database.gateway(SERVICE).count("contacts") == 1
        bob = signed_in(cast.BOB_ID, access_token=token(cast.BOB_ID, lasts=A_YEAR))
        assert database.gateway(bob).count("contacts") == 1
        with pytest.raises(NotAllowedError):
            database.gateway(cast.ANON).count("contacts")
    finally:
        database.close()


def test_a_wrong_key_names_its_settings_and_not_itself(project_url: str) -> None:
    database = SupabaseDatabase(project_url, PUBLISHABLE_KEY, SECRET_KEY[:-1] + "x")
    try:
        with pytest.raises(Exception, match="SUPABASE_SERVICE_KEY") as refusal:
            database.gateway(SERVICE).count("contacts")
        assert "sb_secret" not in str(refusal.value)
    finally:
        database.close()
