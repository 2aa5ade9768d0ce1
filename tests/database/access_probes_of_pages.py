"""The same for the tables that only pages use: one row of Alice's and one of Carol's."""

from tests import cast
from tests.database.access_probes import (
    ALICES_CONTACT,
    CAROLS_CONTACT,
    CONTACT,
    FIRST,
    PERSON,
    SECOND,
    Probe,
)

PROBES_OF_PAGES: dict[str, Probe] = {
    "discovery_drafts": Probe(
        "id", FIRST, SECOND, {"updated_at": cast.NOW}, {"owner_id": PERSON, "answers": {}}
    ),
    "contact_activity": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"last_at": cast.NOW},
        {"contact_id": CONTACT, "last_at": cast.NOW},
    ),
    "saved_views": Probe(
        "id",
        FIRST,
        SECOND,
        {"name": "Renamed"},
        {"name": "Fresh", "filters": {}, "owner_id": PERSON},
    ),
    "type_changes": Probe(
        "contact_id",
        ALICES_CONTACT,
        CAROLS_CONTACT,
        {"is_forward": False},
        {"contact_id": CONTACT, "from_type": "lead", "to_type": "client"}
        | {"is_forward": True, "changed_at": cast.NOW},
    ),
    "type_switches": Probe(
        "to_type",
        "prospect",
        "client",
        {"policy": "keep_both"},
        {"from_type": "partner", "to_type": "lead", "policy": "finish_first"},
    ),
}

STAGE_OF_PAGES = f"""
    insert into discovery_drafts (id, owner_id) values
      ('{FIRST}', '{cast.ALICE_ID}'), ('{SECOND}', '{cast.CAROL_ID}');
    insert into saved_views (id, owner_id, name, filters) values
      ('{FIRST}', '{cast.ALICE_ID}', 'Of Alice', '{{}}'),
      ('{SECOND}', '{cast.CAROL_ID}', 'Of Carol', '{{}}');
    insert into type_changes (contact_id, from_type, to_type, is_forward, changed_at) values
      ('{ALICES_CONTACT}', 'lead', 'client', true, now()),
      ('{CAROLS_CONTACT}', 'lead', 'client', true, now());
    insert into type_switches (from_type, to_type, policy) values
      ('lead', 'prospect', 'finish_first'), ('lead', 'client', 'finish_first');
"""
