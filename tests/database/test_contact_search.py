"""The contact list against a plain reading of the same contacts: filters, orders, pages, counts."""

import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.records.contact_search import NO_ADDRESS, ContactCount, ContactSearch, Order
from crm.records.contacts import EVERYONE
from db_service import DbService
from tests.cast import ALICE_ID, CAROL_ID, NOW
from tests.conftest import Raw

DAY = timedelta(days=1)
NEVER = datetime.min.replace(tzinfo=UTC)
FIRST_NAMES = ("Ada", "Béa", "ÇELİK", "dan", "Zoë", "")
LAST_NAMES = ("Lovelace", "O'Neil", "Ångström", "100%", "under_score", "")
COMPANIES = ("Analytical Engines", "acme_co", "Émile & Fils", "")
PHONES = ("+1 (614) 555-0100", "", "0049 30 1234567")
TAGS = ("vip", "expo 2026", 'a,"b"', "é")
STATUSES = ("ok", "ok", "ok", "bounced", "unsubscribed")
ORDERS: tuple[Order, ...] = ("newest", "name", "company", "activity")


@dataclass(frozen=True)
class Known:
    """A contact as the test itself wrote it."""

    id: str
    first_name: str
    last_name: str
    company_name: str
    email: str | None
    phone: str
    tags: list[str]
    contact_type: str
    industry: str
    owner_id: str | None
    email_status: str
    archived_at: datetime | None
    created_at: datetime
    last_activity: datetime
    campaigns: tuple[str, ...]


@pytest.fixture
def crowd(raw: Raw) -> list[Known]:
    """Of every kind, some in one campaign and some in two; who was last active is known."""
    chance = random.Random(4)
    campaigns = [r["id"] for r in raw.execute("select id::text from drip_campaigns order by key")]
    raw.execute("set mpt.auto_enroll = 'off'")
    return [_known(raw, chance, number, campaigns) for number in range(120)]


def _known(raw: Raw, chance: random.Random, number: int, campaigns: list[str]) -> Known:
    created = NOW - timedelta(days=chance.randrange(400), minutes=number)
    known = Known(
        id="",
        first_name=chance.choice(FIRST_NAMES),
        last_name=chance.choice(LAST_NAMES) or "Nobody",
        company_name=chance.choice(COMPANIES),
        email=chance.choice((None, f"person{number}@customer.example")),
        phone=chance.choice(PHONES),
        tags=chance.sample(TAGS, chance.choice((0, 0, 1, 2))),
        contact_type=chance.choice(("lead", "client")),
        industry=chance.choice(("Steam", "")),
        owner_id=chance.choice((ALICE_ID, CAROL_ID, None)),
        email_status=chance.choice(STATUSES),
        archived_at=chance.choice((None, None, None, NOW)),
        created_at=created,
        last_activity=chance.choice((NEVER, NOW - chance.randrange(100) * DAY)),
        campaigns=tuple(chance.sample(campaigns, chance.choice((0, 0, 1, 2)))),
    )
    row = {k: v for k, v in vars(known).items() if k not in {"id", "last_activity", "campaigns"}}
    marks = ", ".join(["%s"] * len(row))
    added = raw.execute(
        f"insert into contacts ({', '.join(row)}) values ({marks}) returning id::text".encode(),
        list(row.values()),
    ).fetchone()
    assert added
    known = replace(known, id=added["id"])
    if known.last_activity != NEVER:
        raw.execute(
            "insert into activities (contact_id, occurred_at, kind, summary)"
            " values (%s, %s, 'note', 'x'), (%s, %s, 'call', 'before')",
            (known.id, known.last_activity, known.id, known.last_activity - DAY),
        )
    for campaign in known.campaigns:
        raw.execute(
            "insert into campaign_enrollments (contact_id, campaign_id, status)"
            " values (%s, %s, 'paused')",
            (known.id, campaign),
        )
    return known


def _plain(text: str) -> str:
    """Lower case, without accents; written apart from the SQL."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if not "\u0300" <= c <= "\u036f").lower()


def _fits(known: Known, search: ContactSearch) -> bool:
    digits = "".join(c for c in known.phone if c.isdigit())
    parts = [known.first_name, known.last_name, known.company_name, known.email or ""]
    haystack = " " + _plain(" ".join(filter(None, [*parts, known.phone, digits, *known.tags])))
    haystack = " ".join(haystack.split(" "))
    standing = known.email_status
    if standing == "ok" and known.email is None:
        standing = NO_ADDRESS
    needles = [_plain(w) for w in search.text.split()]
    return all(
        (
            (known.archived_at is not None) == search.archived,
            all((f" {n}" if len(n) < 3 else n) in haystack for n in needles),
            not search.contact_types or known.contact_type in search.contact_types,
            not search.email_statuses or standing in search.email_statuses,
            search.owner_id in {None, known.owner_id},
            not search.unowned or known.owner_id is None,
            search.industry in {"", known.industry},
            not search.tag or search.tag in known.tags,
            search.campaign_id is None or search.campaign_id in known.campaigns,
            not search.without_campaign or not known.campaigns,
            search.active_since is None or known.last_activity >= search.active_since,
            search.quiet_since is None or known.last_activity < search.quiet_since,
            not search.never_active or known.last_activity == NEVER,
            search.created_since is None or known.created_at >= search.created_since,
            search.created_until is None or known.created_at < search.created_until,
        )
    )


def _place(order: Order) -> Callable[[Known], Any]:
    def key(known: Known) -> Any:
        name = f"{known.first_name} {known.last_name}".strip() or known.email or ""
        return {
            "newest": known.id,
            "name": (_plain(name), known.id),
            "company": (_plain(known.company_name) or "\ufffd", known.id),
            "activity": (known.last_activity, known.id),
        }[order]

    return key


def _expected(crowd: list[Known], search: ContactSearch, order: Order) -> list[str]:
    latest_first = order in {"newest", "activity"}
    found = sorted(filter(lambda k: _fits(k, search), crowd), key=_place(order))
    return [known.id for known in (reversed(found) if latest_first else found)]


def _searches(crowd: list[Known]) -> Iterator[ContactSearch]:
    """Each filter alone, and then any of them together."""
    campaign = next(c for known in crowd for c in known.campaigns)
    single: list[dict[str, Any]] = [
        *({"text": text} for text in _TEXTS),
        {"contact_types": ("lead",)},
        {"contact_types": ("lead", "client")},
        {"email_statuses": ("bounced", "unsubscribed")},
        {"email_statuses": ("ok",)},
        {"email_statuses": (NO_ADDRESS,)},
        {"email_statuses": ("ok", NO_ADDRESS)},
        {"email_statuses": ("bounced", NO_ADDRESS)},
        {"owner_id": ALICE_ID},
        {"unowned": True},
        {"industry": "Steam"},
        *({"tag": tag} for tag in TAGS),
        {"campaign_id": campaign},
        {"without_campaign": True},
        {"active_since": NOW - 50 * DAY},
        {"quiet_since": NOW - 50 * DAY},
        {"never_active": True},
        {"created_since": NOW - 200 * DAY},
        {"created_until": NOW - 200 * DAY},
        {"archived": True},
    ]
    yield from (ContactSearch(**filters) for filters in single)
    chance = random.Random(5)
    for _ in range(150):
        together: dict[str, Any] = {}
        for filters in chance.sample(single, chance.choice((2, 2, 3))):
            together |= filters
        yield ContactSearch(**together)


_TEXTS = (
    *("ada", "ADA love", "lovelace ada", "bea", "BÉA", "zo", "z", "o'n", "ang", "Ång", "engines a"),
    *("%", "100%", "_", "r_s", "\\", "555-0100", "614 555 0100", "(614) 5550100", "vip", "expo"),
    *("é", "emile", "customer.example", "nobody-there", "  ", "a b c d e f g h i j"),
)


@pytest.mark.parametrize("order", ORDERS)
def test_every_combination_finds_what_a_plain_reading_finds(
    alice: DbService, crowd: list[Known], order: Order
) -> None:
    found_some = 0
    for search in _searches(crowd):
        digits = search.text.replace(" ", "").replace("-", "").strip("()").replace(")", "")
        plain = replace(search, text=digits) if digits.isdigit() and len(digits) > 4 else search
        expected = _expected(crowd, plain, order)
        found_some += bool(expected)
        found = alice.contacts.found_ids(search, order=order)
        assert found == expected, (search, order)
        assert alice.contacts.count(search) == len(expected)
    assert found_some > 60, "most of the searches prove something"


@pytest.mark.parametrize("order", ORDERS)
def test_pages_have_no_gap_and_no_repeat_in_any_order(
    alice: DbService, crowd: list[Known], order: Order
) -> None:
    for search in (EVERYONE, ContactSearch(text="a"), ContactSearch(archived=True)):
        seen: list[str] = []
        before = None
        while True:
            page = alice.contacts.page(search, order=order, before=before, size=7)
            seen += [contact.id for contact in page.contacts]
            before = page.next_before
            if before is None:
                break
        assert seen == _expected(crowd, search, order)


@pytest.mark.parametrize("order", ORDERS)
def test_who_is_far_down_a_long_list_is_found_too(raw: Raw, alice: DbService, order: Order) -> None:
    # Further down than the first look goes, in every order.
    raw.execute("set mpt.auto_enroll = 'off'")
    raw.execute(
        "insert into contacts (first_name, company_name, email, tags) select"
        " 'zz' || n, 'zz', 'z' || n || '@x.example', '{old}' from generate_series(1, 3) n"
    )
    raw.execute(
        "insert into contacts (first_name, company_name, email)"
        " select 'aa', 'aa', 'a' || n || '@x.example' from generate_series(1, 3100) n"
    )
    raw.execute(
        "update contact_activity set last_at = now() where contact_id in"
        " (select id from contacts where first_name = 'aa')"
    )
    search = ContactSearch(tag="old")
    found = alice.contacts.page(search, order=order, size=2)
    rest = alice.contacts.page(search, order=order, before=found.next_before, size=2)
    names = [c.first_name for c in found.contacts + rest.contacts]
    by = {"newest": "id desc", "name": "first_name", "company": "id", "activity": "id desc"}[order]
    expected = raw.execute(
        f"select first_name from contacts where first_name like 'zz_' order by {by}".encode()
    )
    assert names == [row["first_name"] for row in expected]
    assert rest.next_before is None


def test_a_search_counts_up_to_a_bound_and_says_so(
    raw: Raw, alice: DbService, crowd: list[Known]
) -> None:
    everybody = len([k for k in crowd if k.archived_at is None])
    leads = ContactSearch(contact_types=("lead",))
    assert alice.contacts.count_up_to(1000) == ContactCount(everybody, "exactly")
    assert alice.contacts.count_up_to(everybody) == ContactCount(everybody, "exactly")
    assert alice.contacts.count_up_to(5, leads) == ContactCount(5, "more")
    raw.execute("vacuum analyze contacts")
    assert alice.contacts.count_up_to(5) == ContactCount(everybody, "about")


def test_an_outsider_finds_and_counts_nobody(charlie: DbService, crowd: list[Known]) -> None:
    assert charlie.contacts.found_ids() == []
    assert charlie.contacts.count() == 0


def test_a_value_of_a_filter_is_never_more_than_a_value(raw: Raw, alice: DbService) -> None:
    nasty = "x'); drop table contacts; --"
    for filters in ({"industry": nasty}, {"tag": nasty}, {"text": nasty}):
        assert alice.contacts.found_ids(ContactSearch(**filters)) == []  # type: ignore[arg-type]
    with pytest.raises(Exception, match="Unknown order"):
        alice.contacts.found_ids(order=nasty)  # type: ignore[arg-type]
    odd = json.dumps({"owner": nasty, "nonsense": "1 = 1"})
    with pytest.raises(Exception, match="uuid"):
        raw.execute("select * from find_contacts(%s, 'newest', null, 5)", (odd,))


def test_tags_and_industries_in_use_are_those_of_contacts_that_are_not_archived(
    alice: DbService, crowd: list[Known]
) -> None:
    living = [known for known in crowd if known.archived_at is None]
    assert alice.contacts.tags() == sorted({tag for known in living for tag in known.tags})
    assert alice.contacts.industries() == ["Steam"]
