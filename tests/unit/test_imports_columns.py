import pytest

from crm.imports.columns import (
    CONTACT_FIELDS,
    TYPE_ALIASES,
    normalise_header,
    origin_of,
    recognise,
    recognised_count,
)

HUBSPOT = (
    "Record ID,First Name,Last Name,Email,Phone Number,Company Name,Job Title,Industry,"
    "Lifecycle Stage,Lead Status,Contact owner,Create Date,City,State/Region,Country/Region,"
    "Time Zone,Email Opted Out"
)
LINKEDIN = "First Name,Last Name,URL,Email Address,Company,Position,Connected On"
GOOGLE_OLD = (
    "Name,Given Name,Additional Name,Family Name,Birthday,Notes,Group Membership,E-mail 1 - Type,"
    "E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name,"
    "Organization 1 - Title,Address 1 - City,Address 1 - Region,Address 1 - Country,"
    "Website 1 - Value"
)
GOOGLE_NEW = (
    "First Name,Middle Name,Last Name,File As,Organization Name,Organization Title,Birthday,Notes,"
    "Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Address 1 - City,"
    "Address 1 - Region,Address 1 - Country,Website 1 - Value"
)
OUTLOOK = (
    "Title,First Name,Last Name,Company,Department,Job Title,Business Street,Business City,"
    "Business State,Business Country/Region,Business Phone,Mobile Phone,Categories,E-mail Address,"
    "E-mail Display Name,Notes,Web Page"
)
OUTLOOK_GERMAN = (
    "Anrede,Vorname,Weitere Vornamen,Nachname,Firma,Position,Ort geschäftlich,Region geschäftlich,"
    "Land/Region geschäftlich,Telefon (geschäftlich),Mobiltelefon,Kategorien,E-Mail-Adresse,"
    "Notizen,Webseite"
)
SALESFORCE = (
    "Salutation,First Name,Last Name,Title,Account Name,Mailing City,Mailing State/Province,"
    "Mailing Country,Phone,Mobile,Email,Email Opt Out,Contact Owner,Lead Source"
)
SALESFORCE_LEADS = (
    "Lead Owner,First Name,Last Name,Title,Company / Account,Email,Phone,Industry,City,"
    "State/Province,Country,Lead Source,Lead Status"
)
OWN = ",".join((*CONTACT_FIELDS.values(), "Email status"))
PERSON = {"first_name", "last_name", "email", "company_name", "job_title"}
PLACE = {"city", "state", "country"}


def fields_of(headers: str) -> dict[str, str]:
    """Field to header, and every field once."""
    found = [(field, header) for header, field in recognise(headers.split(",")).items() if field]
    assert len(found) == len({field for field, _ in found})
    return dict(found)


@pytest.mark.parametrize(
    ("origin", "headers", "fields"),
    [
        (
            "hubspot",
            HUBSPOT,
            PERSON
            | PLACE
            | {"phone", "industry", "contact_type", "owner_name", "time_zone", "opted_out"},
        ),
        ("linkedin", LINKEDIN, PERSON | {"profile_url"}),
        (
            "google",
            GOOGLE_OLD,
            PERSON | PLACE | {"full_name", "phone", "tags", "notes", "website"},
        ),
        (
            "google",
            GOOGLE_NEW,
            PERSON | PLACE | {"full_name", "phone", "tags", "notes", "website"},
        ),
        ("outlook", OUTLOOK, PERSON | PLACE | {"phone", "tags", "notes", "website"}),
        ("outlook", OUTLOOK_GERMAN, PERSON | PLACE | {"phone", "tags", "notes", "website"}),
        ("salesforce", SALESFORCE, PERSON | PLACE | {"phone", "owner_name", "opted_out"}),
        ("salesforce", SALESFORCE_LEADS, PERSON | PLACE | {"phone", "industry", "owner_name"}),
        ("rejects", "Rejected row,Reason,Email", {"email"}),
        ("unknown", "First name,Email", {"first_name", "email"}),
    ],
)
def test_the_columns_of_an_export_are_recognised(
    origin: str, headers: str, fields: set[str]
) -> None:
    assert origin_of(headers.split(",")) == origin
    assert fields_of(headers).keys() == fields


def test_the_columns_of_the_own_export_are_all_recognised() -> None:
    mapping = recognise(OWN.split(","))
    assert origin_of(mapping) == "mpt_crm"
    assert set(mapping.values()) == set(CONTACT_FIELDS)


def test_the_better_known_of_two_columns_is_taken() -> None:
    assert fields_of(OUTLOOK)["job_title"] == "Job Title"
    assert fields_of(SALESFORCE)["job_title"] == "Title"
    assert fields_of(OUTLOOK)["phone"] == "Business Phone"
    assert fields_of(GOOGLE_OLD)["email"] == "E-mail 1 - Value"


def test_the_order_of_the_columns_does_not_matter() -> None:
    backwards = ",".join(reversed(OUTLOOK.split(",")))
    assert fields_of(backwards) == fields_of(OUTLOOK)


def test_every_column_about_opting_out_is_taken() -> None:
    mapping = recognise(["Email", "Unsubscribed from all email", "Email Opted Out"])
    assert list(mapping.values()) == ["email", "opted_out", "opted_out"]


def test_columns_nobody_knows_are_left_alone() -> None:
    assert recognise(["Shoe size", "", "Lead Status"]) == {
        "Shoe size": None,
        "": None,
        "Lead Status": None,
    }


def test_names_of_the_api_are_recognised_too() -> None:
    headers = ["FirstName", "LastName", "HasOptedOutOfEmail", "company_name"]
    assert list(recognise(headers).values()) == [
        "first_name",
        "last_name",
        "opted_out",
        "company_name",
    ]
    assert origin_of(headers) == "salesforce"


@pytest.mark.parametrize(
    ("header", "plain"),
    [("E-mail 1 - Value", "email1value"), ("Téléphone (bureau)", "telephonebureau"), (" - ", "")],
)
def test_headers_are_compared_by_letters_and_digits(header: str, plain: str) -> None:
    assert normalise_header(header) == plain


def test_a_row_of_contacts_does_not_read_like_headers() -> None:
    assert recognised_count(HUBSPOT.split(",")) > 10
    assert recognised_count(["Ana", "Ruiz", "ana@example.com", "x" * 5000, ""]) == 0


def test_the_stages_of_other_programs_become_types() -> None:
    assert {
        stage: TYPE_ALIASES[stage]
        for stage in ("marketingqualifiedlead", "opportunity", "evangelist", "subscriber")
    } == {
        "marketingqualifiedlead": "lead",
        "opportunity": "prospect",
        "evangelist": "client",
        "subscriber": "networking",
    }
