"""What the Supabase adapter knows about types is what the migrations make."""

import psycopg
from psycopg.rows import dict_row

from crm.database.supabase_shape import SHAPE_FILE, describe, load_shape
from crm.database.supabase_values import KNOWN_TYPES


def test_the_shape_is_that_of_the_migrations(address: str) -> None:
    with psycopg.connect(address, row_factory=dict_row) as connection:
        assert SHAPE_FILE.read_text() == describe(connection), "run scripts/dump_schema.py"


def test_a_changed_column_would_be_noticed(address: str) -> None:
    with psycopg.connect(address, row_factory=dict_row) as connection:
        connection.execute("alter table contacts add column born_on date")
        assert SHAPE_FILE.read_text() != describe(connection)


def test_every_type_has_its_form() -> None:
    shape = load_shape()
    types = {type_ for columns in shape.relations.values() for type_ in columns.values()}
    for function in shape.functions.values():
        types |= {*function.arguments.values(), *function.columns.values()}
        if function.returns != "rows":
            types.add(function.type)
    assert {type_.removesuffix("[]") for type_ in types} - KNOWN_TYPES == set()
