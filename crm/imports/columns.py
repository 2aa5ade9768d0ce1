"""Which column of which program's export holds what."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

# Importable fields with the labels of the mapping page, in its order.
CONTACT_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "first_name": "First name",
        "last_name": "Last name",
        "full_name": "Full name (is split)",
        "email": "Email",
        "phone": "Phone",
        "company_name": "Company",
        "job_title": "Job title",
        "industry": "Industry",
        "contact_type": "Contact type",
        "owner_name": "Owner",
        "city": "City",
        "state": "State or region",
        "country": "Country",
        "time_zone": "Time zone",
        "opted_out": "Opted out of e-mail",
        "profile_url": "Profile link",
        "website": "Website",
        "tags": "Tags",
        "notes": "Notes",
    }
)

# The first two columns of a rejects file.
REJECT_HEADERS = ("Rejected row", "Reason")

# What other programs call their stages, by contact type. Keys are compared as headers are.
TYPE_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "lead": "lead",
        "marketingqualifiedlead": "lead",
        "mql": "lead",
        "salesqualifiedlead": "prospect",
        "sql": "prospect",
        "opportunity": "prospect",
        "customer": "client",
        "evangelist": "client",
        "subscriber": "networking",
        "other": "networking",
        "connection": "networking",
    }
)

# Header names by field, best first. Where no program is named, several write it so.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "first_name": ("First Name", "Given Name", "Forename", "Vorname", "Prénom", "Nombre"),
    "last_name": (
        *("Last Name", "Family Name", "Surname", "Nachname", "Familienname"),
        *("Nom de famille", "Nom", "Apellidos", "Apellido"),
    ),
    "full_name": ("Full Name", "Name", "Contact Name", "Display Name", "File As"),
    "email": (
        *("Email", "E-mail", "Email Address", "E-mail Address", "E-mail 1 - Value", "Work Email"),
        *("Primary Email", "E-Mail-Adresse", "Adresse de messagerie", "Adresse e-mail", "Courriel"),
        *("Correo electrónico", "Dirección de correo electrónico", "Email 1", "Mail"),
    ),
    "phone": (
        *("Phone Number", "Phone", "Business Phone", "Phone 1 - Value", "Primary Phone"),
        *("Work Phone", "Mobile Phone Number", "Mobile Phone", "Mobile", "Telephone"),
        *("Telefon (geschäftlich)", "Telefon", "Mobiltelefon", "Rufnummer"),
        *("Téléphone (bureau)", "Téléphone", "Teléfono", "Home Phone"),
    ),
    "company_name": (
        *("Company Name", "Company", "Account Name", "Company / Account", "Organization Name"),
        *("Organization 1 - Name", "Organization", "Organisation", "Employer", "Account"),
        *("Associated Company", "Firma", "Unternehmen", "Société", "Empresa"),
    ),
    "job_title": (
        *("Job Title", "Position", "Organization Title", "Organization 1 - Title", "Title", "Role"),
        *("Berufsbezeichnung", "Funktion", "Fonction", "Puesto", "Cargo"),
    ),
    "industry": ("Industry", "Branche", "Sector", "Secteur", "Industria"),
    "contact_type": (
        "Contact Type",
        "Lifecycle Stage",
        "Contact Record Type",
        "Record Type",
        "Type",
    ),
    "owner_name": (
        *("Owner", "Owner Name", "Contact Owner", "Lead Owner", "Account Owner", "Assigned To"),
        *("Inhaber", "Zuständig"),
    ),
    "city": (
        *("City", "Mailing City", "Business City", "Address 1 - City", "Town"),
        *("Ort geschäftlich", "Ort", "Stadt", "Ville", "Ciudad"),
    ),
    "state": (
        *("State/Region", "State", "State/Province", "Mailing State/Province", "Mailing State"),
        *("Business State", "Address 1 - Region", "Region", "Province"),
        *("Region geschäftlich", "Bundesland", "Bundesland/Kanton geschäftlich"),
    ),
    "country": (
        *("Country/Region", "Country", "Mailing Country", "Business Country/Region"),
        *("Business Country", "Address 1 - Country", "Country Code"),
        *("Land/Region geschäftlich", "Land", "Pays", "País"),
    ),
    "time_zone": ("Time Zone", "Timezone", "Zeitzone", "Fuseau horaire", "Zona horaria"),
    # Every column that speaks of opting out counts: one of them saying so is enough.
    "opted_out": (
        *("Opted out", "Opted out of e-mail", "Email Opted Out", "Email Opt Out", "Opt Out"),
        *("Has Opted Out Of Email", "Unsubscribed", "Unsubscribed from all email", "Do Not Email"),
        *("Email Status", "Abgemeldet", "Désabonné"),
    ),
    "profile_url": (
        "Profile URL",
        "Profile link",
        "LinkedIn URL",
        "LinkedIn",
        "LinkedIn Bio",
        "URL",
    ),
    "website": (
        *("Website", "Website URL", "Web Page", "Website 1 - Value", "Company Website"),
        *("Webseite", "Homepage", "Site web", "Sitio web"),
    ),
    "tags": ("Tags", "Labels", "Group Membership", "Categories", "Kategorien", "Catégories"),
    "notes": ("Notes", "Note", "Description", "Comments", "Notizen", "Remarques", "Notas"),
}

# Columns that together only one program writes. The first that fits decides.
_SIGNATURES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("rejects", REJECT_HEADERS),
    ("mpt_crm", ("Contact type", "Email status")),
    ("hubspot", ("Record ID", "Lifecycle Stage")),
    ("hubspot", ("Record ID", "Contact owner")),
    ("hubspot", ("Record ID", "Email")),
    ("linkedin", ("First Name", "Last Name", "Connected On")),
    ("google", ("E-mail 1 - Value",)),
    ("google", ("Given Name", "Group Membership")),
    ("google", ("First Name", "Labels", "File As")),
    ("salesforce", ("Account Name", "Email Opt Out")),
    ("salesforce", ("Account Name", "Lead Source")),
    ("salesforce", ("Last Name", "Account Name", "Contact Owner")),
    ("salesforce", ("Company / Account", "Email")),
    ("salesforce", ("Lead Owner", "Email")),
    ("salesforce", ("LastName", "HasOptedOutOfEmail")),
    ("outlook", ("E-mail Address", "Business Phone")),
    ("outlook", ("E-mail Address", "E-mail Display Name")),
    ("outlook", ("E-Mail-Adresse", "Telefon (geschäftlich)")),
    ("outlook", ("E-Mail-Adresse", "Weitere Vornamen")),
    ("outlook", ("Adresse de messagerie", "Téléphone (bureau)")),
)


def normalise_header(header: str) -> str:
    """Lower case letters and digits alone, accents taken off: "E-mail 1 - Value" is email1value."""
    plain = unicodedata.normalize("NFKD", header.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


_FIELD_NAMES = {
    field: tuple(dict.fromkeys(map(normalise_header, (*names, CONTACT_FIELDS[field], field))))
    for field, names in _NAMES.items()
}
_KNOWN_NAMES = frozenset(name for names in _FIELD_NAMES.values() for name in names)
_NORMALISED_SIGNATURES = tuple(
    (origin, frozenset(map(normalise_header, names))) for origin, names in _SIGNATURES
)


def recognise(headers: Sequence[str]) -> dict[str, str | None]:
    """The field each header holds, or None. A field takes its best-known header alone.

    Opting out is the exception: all its headers are taken, for a stop in any of them counts.
    """
    by_name: dict[str, list[str]] = {}
    for header in headers:
        by_name.setdefault(normalise_header(header), []).append(header)
    mapping: dict[str, str | None] = dict.fromkeys(headers)
    for field, names in _FIELD_NAMES.items():
        found = [header for name in names for header in by_name.get(name, ())]
        free = [header for header in found if mapping[header] is None]
        for header in free if field == "opted_out" else free[:1]:
            mapping[header] = field
    return mapping


def recognised_count(cells: Iterable[str]) -> int:
    """How many cells read like headers; a row of contacts has next to none."""
    return len(_KNOWN_NAMES & {normalise_header(cell) for cell in cells if len(cell) <= 60})


def origin_of(headers: Iterable[str]) -> str:
    """The program that wrote the file, by columns only it writes; "unknown" when none fits."""
    names = {normalise_header(header) for header in headers}
    for origin, signature in _NORMALISED_SIGNATURES:
        if signature <= names:
            return origin
    return "unknown"
