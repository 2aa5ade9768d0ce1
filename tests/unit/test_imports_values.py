import io

import pytest

from crm.imports.cleaning import clean_rows
from crm.imports.columns import recognise
from crm.imports.contact_rows import CleanContact
from crm.imports.reader import open_contact_file
from tests.unit.fixtures.cleaned_rows import cleaned, one, rejected, stored_form


@pytest.mark.parametrize(
    ("stage", "contact_type"),
    [
        ("marketingqualifiedlead", "lead"),
        ("Sales Qualified Lead", "prospect"),
        ("customer", "client"),
        ("CLIENT", "client"),
        ("other", "networking"),
        ("", "prospect"),
        ("martian", "prospect"),
    ],
)
def test_a_stage_becomes_a_type_and_an_unknown_one_the_default(
    stage: str, contact_type: str
) -> None:
    (row,) = cleaned(f"Name,Lifecycle Stage\nAna,{stage}\n", default_type="prospect")
    assert isinstance(row, CleanContact)
    assert row.contact_type == contact_type


def test_an_alias_of_a_type_that_is_gone_falls_to_the_default() -> None:
    file = open_contact_file(io.BytesIO(b"Name,Lifecycle Stage\nAna,customer\n"))
    rows = clean_rows(
        file,
        recognise(file.headers),
        normalise=stored_form,
        known_types=frozenset({"lead"}),
        default_type="lead",
    )
    assert [row.contact_type for row in rows if isinstance(row, CleanContact)] == ["lead"]


@pytest.mark.parametrize(
    ("phone", "country", "stored"),
    [
        ("(802) 381-1258 x70889", "United States", "+18023811258 x70889"),
        ("+49 30 123456", "US", "+4930123456"),
        ("802-381-1258", "", "+18023811258"),
        ("030 123456", "Germany", "+4930123456"),
        ("777-520-4978", "Japan", "777-520-4978"),
        ("call  me", "US", "call me"),
        ("+1 802 381 1258 ::: +1 802 381 1259", "US", "+18023811258"),
        ("1" * 100, "US", "1" * 100),
    ],
)
def test_a_valid_phone_number_is_stored_as_e_164_and_any_other_as_written(
    phone: str, country: str, stored: str
) -> None:
    assert one("Phone,Country", f"{phone},{country}", default_country="US").phone == stored


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("US", "US"),
        ("u.s.a.", "US"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("uk", "GB"),
        ("Deutschland", "DE"),
        ("Österreich", "AT"),
        ("日本", "JP"),
        ("Georgia", "GE"),
        ("Niger", "NE"),
        ("Nowhere", ""),
        ("Y", ""),
        ("", ""),
    ],
)
def test_a_country_becomes_its_two_letters(country: str, code: str) -> None:
    assert one("Country", country).country == code


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("America/Chicago", "America/Chicago"),
        ("america_slash_new_york", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("utc", "UTC"),
        ("Mars/Olympus", None),
        ("../etc/passwd", None),
        ("", None),
    ],
)
def test_a_time_zone_is_an_iana_name_or_none(zone: str, name: str | None) -> None:
    assert one("Time Zone", zone).time_zone == name


@pytest.mark.parametrize(
    ("full", "first", "last"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("Ada King Lovelace", "Ada King", "Lovelace"),
        ('"Lovelace, Ada"', "Ada", "Lovelace"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Oscar de la Renta", "Oscar", "de la Renta"),
        ("Cher", "Cher", ""),
        ("van Basten", "van", "Basten"),
    ],
)
def test_a_full_name_is_split(full: str, first: str, last: str) -> None:
    (row,) = cleaned(f"Name,City\n{full},Rome\n")
    assert isinstance(row, CleanContact)
    assert (row.first_name, row.last_name) == (first, last)


def test_a_full_name_gives_way_to_the_parts() -> None:
    (row,) = cleaned("Name,Given Name,Family Name\nDr. Ana Ruiz,Ana,Ruiz\n")
    assert isinstance(row, CleanContact)
    assert (row.first_name, row.last_name) == ("Ana", "Ruiz")


def test_google_s_labels_become_tags_without_its_own_groups() -> None:
    assert one("Labels", "* myContacts ::: Fair 2026 ::: Friends").tags == ("Fair 2026", "Friends")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x"])
def test_a_link_that_could_run_is_refused(link: str) -> None:
    assert rejected("Website", f'"{link}"').reasons[0].startswith("Website: only links")


@pytest.mark.parametrize(
    "link", ["https://a.example", "HTTP://a.example", "a.example:8080/x", "a.example"]
)
def test_a_link_to_a_site_is_kept(link: str) -> None:
    assert one("Website", link).website == link
