"""Two records of one person: found, compared side by side, merged; and kept from coming about."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from crm.records.audit import AuditSearch
from crm.ui import merge_fields
from db_service import DbService
from tests import cast
from tests.conftest import AContact, PublishedSteps, Raw
from tests.pages.conftest import OpenPage, shown

SAME = {"first_name": "Ada", "last_name": "Byron", "company_name": "Engines"}


def _open(page: AppTest, dialog: str, **arguments: object) -> AppTest:
    page.session_state["open_dialog"] = (dialog, arguments)
    return page.run()


def test_duplicates_of_the_whole_list_are_offered_and_merged_one_after_the_other(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    first, second, third = (a_contact(**SAME, job_title=t) for t in ("", "Countess", ""))
    page = open_page()
    page.button(key="find_duplicates").click().run()
    assert "Same name" in shown(page)
    page.button(key=f"compare_{first}_{second}").click().run()
    text = shown(page)
    assert "This cannot be undone." in text
    assert page.radio(key=f"merge_{first}_job_title").value == "drop", "what is known is taken"
    page.button(key="merge_go").click().run()
    assert "Ada Byron was merged into Ada Byron." in shown(page)
    assert [b.key for b in page.button if str(b.key).startswith("compare_")] == [
        f"compare_{first}_{third}"
    ]
    kept = admin.contacts.get(first)
    assert kept is not None
    assert kept.job_title == "Countess"


def test_no_duplicates_say_so(open_page: OpenPage, a_contact: AContact) -> None:
    a_contact()
    assert "No two contacts share" in shown(_open(open_page(), "find_duplicates"))


def test_from_a_contact_those_like_it_come_first_and_others_by_search(
    open_page: OpenPage, a_contact: AContact
) -> None:
    ada, double = a_contact(**SAME), a_contact(**SAME)
    other = a_contact(first_name="Countess", last_name="Lovelace", company_name="")
    page = _open(open_page(), "duplicates_of", contact_id=ada)
    assert [b.key for b in page.button if str(b.key).startswith("compare_")] == [
        f"compare_{double}"
    ]
    page.text_input(key="merge_search").set_value("lovelace").run()
    page.button(key=f"compare_{other}").click().run()
    assert "Merge for good" in [b.label for b in page.button]


def test_the_other_record_can_be_the_kept_one(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    older, newer = a_contact(**SAME, city="Bath"), a_contact(**SAME, city="York")
    page = _open(open_page(), "merge", contact_ids=(older, newer))
    page.button(key="merge_swap").click().run()
    page.radio(key=f"merge_{newer}_city").set_value("drop")
    page.button(key="merge_go").click().run()
    into = admin.contact_changes.merged_into(older)
    kept = admin.contacts.get(newer)
    assert into is not None
    assert kept is not None
    assert (into.contact_id, kept.city) == (newer, "Bath")
    assert [title.value for title in page.title] == ["Ada Byron"], "the kept one is shown"


def test_tags_and_notes_of_both_are_kept_together(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    keep = a_contact(**SAME, tags=["a", "b"], notes="Met in May")
    drop = a_contact(**SAME, tags=["b", "c"], notes="Likes tea")
    _open(open_page(), "merge", contact_ids=(keep, drop)).button(key="merge_go").click().run()
    kept = admin.contacts.get(keep)
    assert kept is not None
    assert (kept.tags, kept.notes) == (("a", "b", "c"), "Met in May\n\nLikes tea")


def test_who_said_stop_is_told_before(open_page: OpenPage, a_contact: AContact, raw: Raw) -> None:
    keep, drop = a_contact(**SAME), a_contact(**SAME)
    raw.execute("update contacts set email_status = 'unsubscribed' where id = %s", (drop,))
    page = _open(open_page(), "merge", contact_ids=(keep, drop))
    assert "no campaign writes to this person any more" in shown(page)


def test_an_e_mail_that_is_leaving_is_told_and_nothing_is_merged(
    open_page: OpenPage,
    a_contact: AContact,
    published_steps: PublishedSteps,
    admin: DbService,
    raw: Raw,
) -> None:
    published_steps("lead", 2)
    keep, drop = a_contact(**SAME), a_contact(**SAME)
    raw.execute(
        "insert into email_sends (enrollment_id, contact_id, campaign_id, step, run, template_id,"
        " to_email, claimed_at) select e.id, e.contact_id, e.campaign_id, 1, 1, t.id, 'x', now()"
        " from campaign_enrollments e join drip_campaign_templates t on t.step = 1"
        " where e.contact_id = %s",
        (drop,),
    )
    page = _open(open_page(), "merge", contact_ids=(keep, drop))
    assert "leaving right now" in shown(page.button(key="merge_go").click().run())
    assert admin.contact_changes.merged_into(drop) is None


def test_a_colleagues_contact_cannot_be_merged_and_it_says_why(
    open_page: OpenPage, a_contact: AContact, raw: Raw, admin: DbService
) -> None:
    raw.execute("update profiles set role = 'sales' where full_name = 'Morgan Local'")
    mine = a_contact(**SAME, owner_id=admin.identity.user_id)
    carols = a_contact(**SAME, owner_id=cast.CAROL_ID)
    page = _open(open_page(), "merge", contact_ids=(mine, carols))
    assert "belongs to a colleague" in shown(page)
    assert not [b for b in page.button if b.key == "merge_go"]


def test_the_audit_log_tells_a_merge_in_words(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    keep, drop = a_contact(**SAME), a_contact(**SAME)
    admin.contact_changes.merge(keep, drop, {}, now=cast.NOW)
    assert admin.audit.page(AuditSearch(operations=("MERGE",)))
    assert "merged a contact into another (Lead)" in shown(open_page("22_Audit_Log"))


def test_somebody_like_the_new_contact_is_shown_before_it_is_added(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    a_contact(**SAME, email="ada@home.example")
    page = open_page()
    page.button(key="add_contact").click().run()
    page.text_input(key="form_first_name").set_value("Ada")
    page.text_input(key="form_last_name").set_value("Byron")
    page.button(key="form_add").click().run()
    text = shown(page)
    assert "This may be somebody who is here already" in text
    assert "ada@home" in text.replace("\\", "")
    assert admin.contacts.count() == 1
    page.button(key="form_add_anyway").click().run()
    assert admin.contacts.count() == 2
    assert "Ada was added." in shown(page)


def test_an_address_of_a_merged_contact_leads_to_the_kept_one(
    open_page: OpenPage, a_contact: AContact, admin: DbService
) -> None:
    keep, drop = a_contact(**SAME), a_contact(email="old@customer.example")
    admin.contact_changes.merge(keep, drop, {}, now=cast.NOW)
    page = open_page()
    page.button(key="add_contact").click().run()
    page.text_input(key="form_email").set_value("old@customer.example")
    page.button(key="form_add").click().run()
    assert f"[Ada Byron](/contacts?contact={keep}) has this address" in shown(page)


@pytest.mark.parametrize(
    ("kept", "dropped", "suggested"),
    [
        ({"first_name": "Gr."}, {"first_name": "Grace"}, "drop"),
        ({"first_name": "Grace"}, {"first_name": "Ada"}, "keep"),
        ({"contact_type": "lead"}, {"contact_type": "client"}, "drop"),
        ({"contact_type": "client"}, {"contact_type": "partner"}, "keep"),
        ({"phone": ""}, {"phone": "+12125550142"}, "drop"),
        ({"city": "Bath"}, {"city": "York"}, "keep"),
        ({"tags": ["a"]}, {"tags": ["b"]}, "both"),
        ({"notes": "x" * 9000}, {"notes": "y" * 9000}, "keep"),
    ],
)
def test_the_better_value_is_suggested(
    a_contact: AContact,
    admin: DbService,
    kept: dict[str, object],
    dropped: dict[str, object],
    suggested: str,
) -> None:
    ids = [a_contact(**SAME | side) for side in (kept, dropped)]
    keep, drop = admin.contact_changes.read(ids)
    found = merge_fields.differences(keep, drop, admin.contacts.types())
    by_name = {difference.name: difference for difference in found}
    assert by_name[next(iter(kept))].suggested == suggested
