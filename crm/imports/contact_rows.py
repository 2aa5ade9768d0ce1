"""What becomes of a row: a contact ready for the database, or a rejection that says why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CleanContact:
    """One person, in standard forms. The names are those `import_contacts` in the database takes.

    `email` is normalised, None for a person whose address the file does not tell. `phone` is
    E.164 with " x" and extension where the number is valid, else as written. `country` is ISO
    3166-1 alpha-2 or "", `time_zone` an IANA name or None. `opted_out` asks for a suppression.
    """

    row_number: int
    first_name: str
    last_name: str
    email: str | None
    phone: str
    company_name: str
    job_title: str
    industry: str
    contact_type: str
    owner_name: str
    city: str
    state: str
    country: str
    time_zone: str | None
    opted_out: bool
    profile_url: str
    website: str
    tags: tuple[str, ...]
    notes: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is not imported. Each reason names the column and the fix.

    `suppress` is the normalised address of a row that says its person opted out: the row is not
    imported, and still nobody may write there.
    """

    row_number: int
    reasons: tuple[str, ...]
    raw: dict[str, str]
    suppress: str | None = None
