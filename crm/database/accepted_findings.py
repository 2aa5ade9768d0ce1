"""What the database's own linting finds and we mean to keep: by rule, by name, with the reason.

Anything else that a rule finds is off. A test holds every entry here to something that is found.
"""

from collections.abc import Mapping

_INLINED = (
    "stands in column defaults, policies or conditions of triggers; only without a SET clause does"
    " the planner inline it, and every name in it is qualified"
)
_ASKS_ITSELF = "shows chosen columns of rows that the reader may not read whole, to active staff"

ACCEPTED: Mapping[str, Mapping[str, str]] = {
    "functions without a fixed search path": {
        "private.clock": _INLINED,
        "private.is_activity": _INLINED,
        "private.user_id": _INLINED,
        "private.uuid_v7": _INLINED,
    },
    "functions with their owner's rights that never ask who calls": {},
    "views with their owner's rights": {
        "app_settings_public": _ASKS_ITSELF,
        "contact_merge_fields": _ASKS_ITSELF,
        "staff_directory": _ASKS_ITSELF,
    },
    "foreign keys without an index": {
        "contacts.contacts_contact_type_fkey": (
            "contacts_by_type serves the live ones; a type is removed once in years, which reads"
            " the table once, and an index more would be written with every contact"
        ),
        "campaign_enrollments.campaign_enrollments_campaign_id_is_type_campaign_fkey": (
            "followed only when a campaign is removed or starts to be a type's campaign; an index"
            " more would be written with every step of every enrollment"
        ),
    },
}
