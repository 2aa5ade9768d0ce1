"""The unsubscribe link over real HTTP: what a person, a mail program and a link scanner get."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from crm.web import unsubscribe
from db_service import DbService
from tests.conftest import AContact
from tests.contract.public_site import KEY, assert_a_guarded_page, serving, token

NEW_KEY = "the-newest-key-of-more-than-32-characters"
FOREIGN_KEY = "another-key-of-more-than-32-characters!"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.fixture
def site(address: str) -> Iterator[httpx.Client]:
    with serving(unsubscribe.routes, address) as client:
        yield client


def _link(contact_id: str, key: str = KEY) -> str:
    return f"/unsubscribe/{token(contact_id, key=key)}"


def _status(service: DbService, contact_id: str) -> str:
    contact = service.contacts.get(contact_id)
    assert contact is not None
    return contact.email_status


def test_following_the_link_changes_nothing(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    answer = site.get(_link(contact_id))
    assert answer.status_code == 200
    assert_a_guarded_page(answer)
    assert "<button" in answer.text
    assert site.head(_link(contact_id)).status_code == 200
    assert _status(service, contact_id) == "ok"


def test_the_page_names_the_company_and_leads_to_the_preferences(
    address: str, a_contact: AContact
) -> None:
    contact_id = a_contact()
    with serving(unsubscribe.routes, address, company="Müller & <Söhne>") as site:
        for answer in (site.get(_link(contact_id)), site.post(_link(contact_id))):
            assert "<header>Müller &amp; &lt;Söhne&gt;</header>" in answer.text
            assert f'href="../preferences/{token(contact_id)}"' in answer.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=b", MULTIPART),
        ("", b""),
    ],
)
def test_a_one_click_request_unsubscribes_at_once_and_may_be_repeated(
    site: httpx.Client, service: DbService, a_contact: AContact, kind: str, body: bytes
) -> None:
    contact_id = a_contact()
    for _ in range(2):
        # RFC 8058: either kind of form, no cookies; a redirect would not be followed.
        answer = site.post(_link(contact_id), content=body, headers={"Content-Type": kind})
        assert answer.status_code == 200
        assert_a_guarded_page(answer)
    assert _status(service, contact_id) == "unsubscribed"
    timeline = [entry.kind for entry in service.activities.timeline(contact_id)]
    assert timeline.count("unsubscribed") == 1


def test_who_follows_the_hidden_link_gets_a_harmless_page_and_changes_nothing(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    answer = site.get(f"{_link(contact_id)}/hidden")
    assert answer.status_code == 200
    assert_a_guarded_page(answer)
    assert "Nothing to see here" in answer.text
    assert "<form" not in answer.text
    target = answer.url.join(f"../{token(contact_id)}")
    assert f'href="../{token(contact_id)}"' in answer.text
    assert "<button" in site.get(target).text
    assert _status(service, contact_id) == "ok"


def test_the_hidden_link_takes_no_post(site: httpx.Client, a_contact: AContact) -> None:
    assert site.post(f"{_link(a_contact())}/hidden").status_code == 405


def test_every_wrong_link_gets_the_same_answer(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    gone = "00000000-0000-4000-8000-000000000000"
    wrong = [_link(contact_id, FOREIGN_KEY), "/unsubscribe/x", _link(contact_id)[:-1]]
    answers = [site.get(link) for link in wrong]
    answers += [site.get(f"{link}/hidden") for link in wrong]
    answers += [site.post(link) for link in [*wrong, _link(gone)]]
    for answer in answers:
        assert_a_guarded_page(answer)
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert _status(service, contact_id) == "ok"


def test_a_huge_body_is_refused(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    answer = site.post(_link(contact_id), content=b"x" * (unsubscribe.MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert _status(service, contact_id) == "ok"


def test_a_replaced_key_still_works_until_it_is_removed(
    address: str, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    old_link = _link(contact_id, KEY)
    with serving(unsubscribe.routes, address, keys=NEW_KEY) as site:
        forged = site.post("/unsubscribe/x")
        removed = site.post(old_link)
        assert (removed.status_code, removed.text) == (404, forged.text)
        assert _status(service, contact_id) == "ok"
    with serving(unsubscribe.routes, address, keys=f"{NEW_KEY},{KEY}") as site:
        assert site.get(_link(contact_id, NEW_KEY)).status_code == 200
        assert site.post(old_link).status_code == 200
        assert _status(service, contact_id) == "unsubscribed"


def test_trying_tokens_out_is_stopped_while_genuine_requests_go_on(
    site: httpx.Client, service: DbService, a_contact: AContact
) -> None:
    contact_id = a_contact()
    tried = [site.post(f"/unsubscribe/guess-{n}") for n in range(31)]
    assert [answer.status_code for answer in tried] == [404] * 30 + [429]
    assert_a_guarded_page(tried[-1])
    assert 1 <= int(tried[-1].headers["retry-after"]) <= 60
    assert site.get("/unsubscribe/another/hidden").status_code == 429
    assert site.post(_link(contact_id)).status_code == 200
    assert _status(service, contact_id) == "unsubscribed"


def test_a_mailbox_provider_may_post_any_number_of_genuine_requests(
    site: httpx.Client, a_contact: AContact
) -> None:
    answers = [site.post(_link(a_contact())) for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200}


def test_one_link_has_its_own_limit_and_looking_never_uses_up_the_post(
    site: httpx.Client, a_contact: AContact
) -> None:
    link = _link(a_contact())
    looks = [site.get(link).status_code for _ in range(21)]
    assert looks == [200] * 20 + [429]
    posts = [site.post(link).status_code for _ in range(21)]
    assert posts == [200] * 20 + [429]
    assert site.post(_link(a_contact())).status_code == 200


def test_without_a_database_it_promises_nothing_and_asks_to_repeat(a_contact: AContact) -> None:
    with serving(
        unsubscribe.routes, "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    ) as site:
        answer = site.post(_link(a_contact()), timeout=30)
    assert answer.status_code == 503
    assert_a_guarded_page(answer)
    assert "nothing was changed" in answer.text
