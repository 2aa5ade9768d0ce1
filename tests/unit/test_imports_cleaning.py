import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.imports.cleaning import clean_rows
from crm.imports.columns import CONTACT_FIELDS, recognise
from crm.imports.contact_rows import CleanContact, RejectedRow
from crm.imports.reader import open_contact_file
from tests.unit.fixtures.cleaned_rows import ANA, TYPES, cleaned, one, rejected, stored_form


def test_a_row_becomes_a_contact_in_standard_forms() -> None:
    text = (
        "First Name,Last Name,Email,Phone Number,Company Name,Job Title,Industry,Lifecycle Stage,"
        "Contact owner,City,State/Region,Country/Region,Time Zone,Email Opted Out,LinkedIn URL,"
        "Website,Tags,Notes\n"
        '  Ana\u00a0 , Ruiz ,"  ANA@Example.COM ",030 123456 x 12,"Ruiz,  Söhne",CTO,Software,'
        "opportunity,Bo Larsen,Berlin,BE,Deutschland,europe/berlin,no,"
        'https://www.linkedin.com/in/ana,ana.example,"vip; Fair 2026, VIP","one\n\n two  three"\n'
    )
    assert cleaned(text) == [
        replace(
            ANA,
            phone="+4930123456 x12",
            company_name="Ruiz, Söhne",
            job_title="CTO",
            industry="Software",
            contact_type="prospect",
            owner_name="Bo Larsen",
            city="Berlin",
            state="BE",
            country="DE",
            time_zone="Europe/Berlin",
            profile_url="https://www.linkedin.com/in/ana",
            website="ana.example",
            tags=("vip", "Fair 2026"),
            notes="one\n\ntwo three",
        )
    ]


def test_cleaning_again_gives_the_same() -> None:
    text = "Name,Email\nAna Ruiz,ana@example.com\nBo,bo@\nAna,ANA@example.com\n,\n"
    file = open_contact_file(io.BytesIO(text.encode()))

    def once() -> list[CleanContact | RejectedRow]:
        mapping = recognise(file.headers)
        return list(clean_rows(file, mapping, normalise=stored_form, known_types=TYPES))

    assert once() == once()
    assert [type(row) for row in once()] == [CleanContact, RejectedRow, RejectedRow]


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://evil.example";"x")',
        "+1+1",
        "@SUM(A1)",
        "-2",
        "<script>alert(1)</script>",
    ],
)
def test_formulas_and_markup_stay_the_text_they_are(name: str) -> None:
    quoted = name.replace('"', '""')
    assert one("Company", f'"{quoted}"').company_name == name


def test_what_only_a_machine_sees_is_dropped() -> None:
    contact = one("Company", "\u202eAc\x07me\u200b \u2066e\u0301 A\u200dB")
    assert contact.company_name == "Acme é A\u200dB"


def test_an_address_with_something_smuggled_in_is_refused() -> None:
    row = cleaned('Name,Email\nEve,"evil@example.com\r\nBcc: x@example.com"\n')[0]
    assert isinstance(row, RejectedRow)
    assert row.reasons[0].startswith(
        "Email: “evil@example.com Bcc: x@example.com” is not an address"
    )
    assert row.raw["Email"] == "evil@example.com\r\nBcc: x@example.com"


@pytest.mark.parametrize(
    "address", ["not an email", "foo@", "@bar.com", "jane@exa mple.com", "a@b"]
)
def test_an_invalid_address_is_rejected_with_column_and_fix(address: str) -> None:
    row = cleaned(f"Name,Work Email\nJane,{address}\n")[0]
    assert isinstance(row, RejectedRow)
    assert row.row_number == 2
    assert row.reasons[0].startswith(f"Work Email: “{address}” is not an address (")
    assert row.reasons[0].endswith("Correct it or leave it empty.")
    assert row.raw == {"Name": "Jane", "Work Email": address}


@pytest.mark.parametrize("nothing", ["", "  ", "n/a", "-", "None", "[not provided]"])
def test_a_person_without_an_address_is_kept(nothing: str) -> None:
    assert cleaned(f"First Name,Last Name,Email\nAna,Ruiz,{nothing}\n") == [
        replace(ANA, email=None)
    ]


def test_an_address_without_a_name_is_kept() -> None:
    assert cleaned("First Name,Email,City\n,ana@example.com,Rome\n") == [
        replace(ANA, first_name="", last_name="", city="Rome")
    ]


def test_neither_name_nor_address_is_no_contact() -> None:
    row = cleaned("First Name,Email,City\n-,,Rome\n")[0]
    assert isinstance(row, RejectedRow)
    assert row.reasons == ("The row has no name and no address. Fill in one of them.",)


def test_the_second_row_of_an_address_is_rejected_and_names_the_first() -> None:
    rows = cleaned("Name,Email\nAna,ana@example.com\nBo,b@example.com\nAnna, ANA@example.com\n")
    assert isinstance(rows[2], RejectedRow)
    assert rows[2].reasons == ("Email: row 2 has the same address. Keep one of the rows.",)
    assert [type(row) for row in rows[:2]] == [CleanContact, CleanContact]


def test_a_refused_row_does_not_stand_in_the_way_of_a_good_one() -> None:
    rows = cleaned(f"First Name,Email\n{'x' * 201},ana@example.com\nAna,ana@example.com\n")
    assert [type(row) for row in rows] == [RejectedRow, CleanContact]


def test_people_without_an_address_are_told_apart_by_name_and_company() -> None:
    text = "First Name,Last Name,Company\nAna,Ruiz,Acme\nAna,Ruiz,Beta\nANA,ruiz,acme\n"
    rows = cleaned(text)
    assert [type(row) for row in rows] == [CleanContact, CleanContact, RejectedRow]
    assert isinstance(rows[2], RejectedRow)
    assert rows[2].reasons[0].startswith("Row 2 has the same name and company")


def test_a_row_of_another_width_is_rejected_with_the_reader_s_reason() -> None:
    row = cleaned("Name,Email,City\nAna,ana@example.com,Rome\n10,short\n")[1]
    assert isinstance(row, RejectedRow)
    assert "2 columns where the header has 3" in row.reasons[0]


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    text = f"First Name,Email,Website,Opt Out\n{'x' * 201},foo@,javascript:alert(1),maybe\n"
    row = cleaned(text)[0]
    assert isinstance(row, RejectedRow)
    assert [reason.split(":")[0] for reason in row.reasons] == [
        "Email",
        "First Name",
        "Opt Out",
        "Website",
    ]


@pytest.mark.parametrize(
    "word",
    [
        "true",
        "TRUE",
        "Yes",
        "1",
        "x",
        "✓",
        "ja",
        "Oui",
        "Sí",
        "Unsubscribed",
        "opted out",
        "Opt-out",
    ],
)
def test_whoever_opted_out_is_flagged(word: str) -> None:
    assert one("Email Opted Out", word).opted_out is True


@pytest.mark.parametrize(
    "word", ["", "false", "No", "0", "nein", "subscribed", "Opted in", "-", "ok"]
)
def test_whoever_did_not_opt_out_is_not_flagged(word: str) -> None:
    assert one("Email Opted Out", word).opted_out is False


@pytest.mark.parametrize("word", ["maybe", "not unsubscribed", "2026-01-01", "?"])
def test_a_word_that_says_neither_is_rejected_rather_than_guessed(word: str) -> None:
    assert rejected("Email Opted Out", word).reasons == (
        f"Email Opted Out: “{word}” says neither yes nor no. Write one of them.",
    )


def test_a_stop_in_any_column_counts() -> None:
    assert one("Email Opted Out,Unsubscribed from all email", "false,true").opted_out is True
    assert one("Email Opted Out,Unsubscribed from all email", "true,").opted_out is True
    assert one("Email Opted Out,Unsubscribed from all email", "no,").opted_out is False


def test_a_stop_beside_a_word_that_says_neither_is_kept_though_the_row_is_rejected() -> None:
    for cells in ("true,maybe", "maybe,true"):
        row = rejected("Email Opted Out,Unsubscribed", cells)
        assert "says neither yes nor no" in row.reasons[0]
        assert row.suppress == "ana@example.com"


def test_the_stop_of_a_rejected_row_is_not_lost() -> None:
    text = (
        "First Name,Email,Email Opted Out\nAna,ana@example.com,\nAna,Ana@example.com,yes\n"
        f"{'x' * 201},bo@example.com,yes\nCy,cy@,yes\nAna,ana@example.com,no\n"
    )
    rows = [row for row in cleaned(text) if isinstance(row, RejectedRow)]
    assert [row.suppress for row in rows] == ["ana@example.com", "bo@example.com", None, None]


@pytest.mark.parametrize(
    ("header", "limit"), [("First Name", 200), ("Company", 200), ("Notes", 10_000)]
)
def test_a_text_may_be_as_long_as_its_column_and_no_longer(header: str, limit: int) -> None:
    fits, too_long = (
        cleaned(f"{header},Email\n{'x' * length},ana@example.com\n")[0]
        for length in (limit, limit + 1)
    )
    assert isinstance(fits, CleanContact)
    assert isinstance(too_long, RejectedRow)
    assert too_long.reasons == (
        f"{header}: the text has {limit + 1:,} characters; shorten it to {limit:,} at most.",
    )


def test_several_columns_may_hold_one_field_and_the_first_filled_counts() -> None:
    file = open_contact_file(io.BytesIO(b"Name,Mobile,Phone\nAna,,+4930123456\nBo,+4930123457,1\n"))
    mapping = {"Name": "full_name", "Mobile": "phone", "Phone": "phone"}
    rows = clean_rows(file, mapping, normalise=stored_form, known_types=TYPES)
    assert [row.phone for row in rows if isinstance(row, CleanContact)] == [
        "+4930123456",
        "+4930123457",
    ]


@pytest.mark.parametrize(
    ("mapping", "default_type", "problem"),
    [
        ({"Name": "shoe_size"}, None, "no contact field 'shoe_size'"),
        ({"Nome": "full_name"}, None, "no column 'Nome'"),
        ({"Name": "full_name"}, "martian", "no contact type 'martian'"),
    ],
)
def test_a_mapping_or_type_that_does_not_exist_is_an_error_before_the_first_row(
    mapping: dict[str, str | None], default_type: str | None, problem: str
) -> None:
    file = open_contact_file(io.BytesIO(b"Name,City\nAna,Rome\n"))
    with pytest.raises(ValueError, match=problem):
        clean_rows(
            file, mapping, normalise=stored_form, known_types=TYPES, default_type=default_type
        )


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(cells, min_size=5, max_size=5), max_size=6))
def test_whatever_the_cells_hold_a_row_is_clean_or_rejected_with_reasons(
    rows: list[list[str]],
) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    # Among so much text, the strangest cells do not make the file a binary one.
    headers, bob = "Name,Email,Phone,Country,Notes", f"Bob,bob@example.com,,,{'x' * 100_000}"
    for row in cleaned("\n".join((headers, bob, *lines))):
        if isinstance(row, RejectedRow):
            assert row.reasons
            assert all(reason.endswith(".") for reason in row.reasons)
        else:
            assert row.email or row.first_name or row.last_name
            texts = [getattr(row, name, "") for name in CONTACT_FIELDS if name != "email"]
            assert not any("\0" in text for text in texts if isinstance(text, str))
            assert max(len(row.first_name), len(row.last_name)) <= 200
