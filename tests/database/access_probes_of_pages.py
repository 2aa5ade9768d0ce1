"""The same for the tables that only pages use: one row of Alice's and one of Carol's."""

from tests import cast
from tests.database.access_probes import ALICES_CONTACT, CAROLS_CONTACT, CONTACT, Probe

PROBES_OF_PAGES: dict[str, Probe] = {
    "type_changes": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"is_forward": False},
        {"contact_id": CONTACT, "from_type": "lead", "to_type": "client"}
        | {"is_forward": True, "changed_at": cast.NOW},
    ),
}

STAGE_OF_PAGES = f"""
    insert into type_changes (contact_id, from_type, to_type, is_forward, changed_at) values
      ('{ALICES_CONTACT}', 'lead', 'client', true, now()),
      ('{CAROLS_CONTACT}', 'lead', 'client', true, now());
"""
